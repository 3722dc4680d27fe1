//! Runs a history, and makes a failing one short.

use std::time::Duration;

use crate::simulation::actions::tenant_of;
use crate::simulation::checker::liveness::{REST, STILL, too_eager, unsettled};
use crate::simulation::generator::{Rng, history};
use crate::simulation::operator::Operator;
use crate::simulation::panics::panic_of;
use crate::simulation::state::World;
use crate::simulation::step::{Step, Trouble};

/// More calls than passes make between two moments at which nothing is left to do.
const ENOUGH: usize = 20_000;

/// How a history broke an invariant.
struct Broken {
    what: String,
    /// After which step; none if it was while all came to rest.
    after: Option<usize>,
}

/// The world, and who works in it.
struct Stage {
    world: World,
    operators: Vec<Operator>,
    processes: usize,
    jitter: Rng,
}

impl Stage {
    fn new(seed: u64, reads_along: bool) -> Self {
        let world = World::new(reads_along);
        world.with(|state| {
            for (cluster, name) in [(0, "acme"), (0, "other"), (1, "acme")] {
                let now = state.now;
                let tenant = tenant_of(&mut state.clusters[cluster], name, now);
                state.clusters[cluster].makes_tenant(tenant);
            }
        });
        let operators = (0..2).map(|cluster| Operator::starts(&world, cluster, cluster)).collect();
        Self { world, operators, processes: 2, jitter: Rng::new(seed ^ 0x5eed) }
    }

    fn ends(&self, after: Option<usize>) -> Result<(), Broken> {
        let broken = self.world.with(|state| state.broken.clone());
        broken.map_or(Ok(()), |what| Err(Broken { what, after }))
    }

    fn is_broken(&self) -> bool {
        self.world.with(|state| state.broken.is_some())
    }

    /// Does something. If the code panics over it, that breaks the history as an invariant does.
    fn does(&mut self, act: impl FnOnce(&mut Self)) {
        if let Some(panic) = panic_of(|| act(self)) {
            self.world.with(|state| state.breaks(panic));
        }
    }

    fn takes(&mut self, step: Step) {
        self.world.with(|state| {
            if let Some(trace) = &mut state.trace {
                trace.push(format!("  {step:?}"));
            }
        });
        match step {
            Step::Settle => self.settles(),
            Step::Calls(calls) => self.calls(calls),
            Step::Wait(seconds) => self.waits(Duration::from_secs(u64::from(seconds))),
            Step::Work(cluster) => self.world.with(|state| {
                let now = state.now;
                state.clusters[cluster].works(&mut state.sap, now);
            }),
            Step::Key(who, act) => self.world.with(|state| state.key_act(who, act)),
            Step::Tenant(cluster, name, act) => self.world.with(|state| state.tenant_act(cluster, name, act)),
            Step::Source(who, act) => self.world.with(|state| state.source_act(who, act)),
            Step::App(zone, act) => self.world.with(|state| state.app_act(zone, act)),
            Step::Trouble(Trouble::Crash(cluster)) => self.crashes(cluster),
            Step::Trouble(Trouble::Lag(cluster, watch, lags)) => self.operators[cluster].lags[watch as usize] = lags,
            Step::Trouble(trouble) => self.world.with(|state| state.trouble(trouble)),
        }
    }

    /// What the process knew is lost, and what it was about to do.
    fn crashes(&mut self, cluster: usize) {
        self.operators[cluster] = Operator::starts(&self.world, cluster, self.processes);
        self.processes += 1;
    }

    fn starts_what_is_due(&mut self) {
        for operator in &mut self.operators {
            operator.hears();
            operator.starts_what_is_due(|| self.jitter.part());
        }
    }

    fn calls(&mut self, calls: u8) {
        for _ in 0..calls {
            self.starts_what_is_due();
            for operator in &mut self.operators {
                operator.check_version();
            }
        }
    }

    /// All passes run to their end, and those that they cause.
    fn settles(&mut self) {
        for _ in 0..ENOUGH {
            self.starts_what_is_due();
            let mut busy = false;
            for operator in &mut self.operators {
                busy |= operator.check_version();
            }
            if self.is_broken() {
                return;
            }
            if busy {
                continue;
            }
            let worked = self.world.with(|state| {
                let now = state.now;
                state.clusters.iter_mut().fold(false, |worked, it| it.works(&mut state.sap, now) | worked)
            });
            if !worked && self.operators.iter().all(Operator::is_idle) {
                self.world
                    .with(|state| state.clusters.iter_mut().for_each(|it| it.own_kind_is_going &= !it.keys.is_empty()));
                return;
            }
        }
        self.world.with(|state| state.breaks("passes come back at once, again and again"));
    }

    fn waits(&mut self, time: Duration) {
        let end = self.world.with(|state| state.now) + time;
        for _ in 0..ENOUGH {
            self.settles();
            let due = self.operators.iter().filter_map(Operator::next_due).min();
            let now = self.world.with(|state| {
                state.now = due.filter(|due| *due <= end).unwrap_or(end).max(state.now);
                state.now
            });
            if due.is_none_or(|due| due > now) || self.is_broken() {
                return;
            }
        }
        self.world.with(|state| state.breaks("more passes than time has room for"));
    }

    /// All troubles end, and all comes to rest.
    fn rests(&mut self) {
        for trouble in [
            Trouble::TokenEndpointDown(false),
            Trouble::LandscapeDown(false),
            Trouble::HeldWritesLand,
            Trouble::ApiServerDown(0, false),
            Trouble::ApiServerDown(1, false),
            Trouble::BindingKind(0, true),
            Trouble::BindingKind(1, true),
        ] {
            self.world.with(|state| state.trouble(trouble));
        }
        self.world.with(|state| {
            state.sap.faults.clear();
            for cluster in &mut state.clusters {
                cluster.next_write = None;
                cluster.reads_fail.clear();
            }
        });
        self.operators.iter_mut().for_each(|operator| operator.lags = [false; 4]);
        self.waits(REST);
        let writes = self.world.with(|state| {
            state.calls.clear();
            if let Some(what) = unsettled(state).first() {
                state.breaks(what.clone());
            }
            state.writes
        });
        if self.is_broken() {
            return;
        }
        self.waits(STILL);
        self.world.with(|state| {
            if state.writes != writes {
                state.breaks("something was written although nothing happens any more");
            }
            if let Some(what) = too_eager(state).first() {
                state.breaks(what.clone());
            }
        });
    }
}

/// What becomes of a history: how many steps it took.
fn run(seed: u64, steps: &[Step]) -> Result<usize, Broken> {
    played(&mut Stage::new(seed, false), steps)
}

fn played(stage: &mut Stage, steps: &[Step]) -> Result<usize, Broken> {
    for (number, step) in steps.iter().enumerate() {
        stage.does(|stage| stage.takes(*step));
        stage.ends(Some(number))?;
    }
    stage.does(Stage::rests);
    stage.ends(None)?;
    Ok(steps.len() + 1)
}

/// The shortest history that can be made of a failing one by leaving things out.
fn shrunk(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let fails = |steps: &[Step]| run(seed, steps).is_err();
    if let Err(Broken { after: Some(after), .. }) = run(seed, &steps) {
        steps.truncate(after + 1);
    }
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let (mut at, mut left_out) = (0, false);
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if fails(&fewer) {
                steps = fewer;
                left_out = true;
            } else {
                at += size;
            }
        }
        size = if left_out && size == 1 { 1 } else { size / 2 };
    }
    steps
}

/// Which invariant a history breaks, if it does.
pub(crate) fn breaks(steps: &[Step]) -> Option<String> {
    run(1, steps).err().map(|broken| broken.what)
}

/// Plays the history of a seed: how many steps it took, or which invariant it breaks.
pub(crate) fn plays(seed: u64) -> Result<usize, String> {
    run(seed, &history(seed)).map_err(|broken| broken.what)
}

/// A failing history, made short, as a person reads it.
pub(crate) fn told(seed: u64) -> String {
    let steps = shrunk(seed, history(seed));
    let (what, trace) = course(seed, &steps);
    let steps: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
    format!(
        "seed {seed}: {what}\nthe shortest history that shows it:\n{}\nand its course:\n{}",
        steps.join("\n"),
        trace.join("\n")
    )
}

/// What a history comes to, and its course.
fn course(seed: u64, steps: &[Step]) -> (String, Vec<String>) {
    let mut stage = Stage::new(seed, true);
    let what = played(&mut stage, steps).err().map_or("no invariant broken".into(), |broken| broken.what);
    (what, stage.world.with(|state| state.trace.clone().unwrap_or_default()))
}

/// The course of the history of a seed.
pub(crate) fn course_of(seed: u64) -> Vec<String> {
    course(seed, &history(seed)).1
}
