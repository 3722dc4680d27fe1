//! Runs a history: executes its steps, checks the invariants after each, and lets the simulation converge in the end.

use std::time::Duration;

use crate::simulation::actions::new_tenant;
use crate::simulation::checker::liveness::{CONVERGENCE_TIME, QUIET_TIME, excessive_calls, unsettled};
use crate::simulation::generator::Rng;
use crate::simulation::manual::liveness::{contradictory_requests, waiting_deletions};
use crate::simulation::operator::Operator;
use crate::simulation::panics::catch_panic;
use crate::simulation::state::{SharedState, State};
use crate::simulation::step::{Fault, Step};

/// More rounds than a correct operator needs until there is nothing left to do.
const MAX_ROUNDS: usize = 20_000;

/// More rounds than honest people need until nothing is asked of them.
const MAX_ERRANDS: usize = 12;

/// The violation of an invariant.
pub(crate) struct Violation {
    pub(crate) message: String,
    /// The index of the step that caused it. `None` if the simulation did not converge after the last one.
    pub(crate) step: Option<usize>,
}

/// The state, and the operators that work on it.
struct Simulation {
    state: SharedState,
    operators: Vec<Operator>,
    /// The number of processes that were ever started.
    process_count: usize,
    jitter: Rng,
}

impl Simulation {
    fn new(seed: u64, with_trace: bool) -> Self {
        let state = SharedState::new(with_trace);
        state.with(|state| {
            for (cluster, name) in [(0, "acme"), (0, "other"), (1, "acme")] {
                let (now, cluster) = (state.now, &mut state.clusters[cluster]);
                let tenant = new_tenant(cluster, name, now);
                cluster.insert_tenant(tenant);
            }
        });
        let operators = (0..2).map(|cluster| Operator::start(&state, cluster, cluster)).collect();
        Self { state, operators, process_count: 2, jitter: Rng::new(seed ^ 0x5eed) }
    }

    /// Executes a history. Returns the number of its steps, with the convergence as the last one.
    fn run(&mut self, steps: &[Step]) -> Result<usize, Violation> {
        for (index, step) in steps.iter().enumerate() {
            self.check(Some(index), |simulation| simulation.execute(*step))?;
        }
        self.check(None, Self::converge)?;
        Ok(steps.len() + 1)
    }

    /// Runs `act`. A panic of the code under simulation is a violation too.
    fn check(&mut self, step: Option<usize>, act: impl FnOnce(&mut Self)) -> Result<(), Violation> {
        if let Some(panic) = catch_panic(|| act(self)) {
            self.record_failure(panic);
        }
        let violation = self.state.with(|state| state.violation.clone());
        violation.map_or(Ok(()), |message| Err(Violation { message, step }))
    }

    fn record_failure(&self, message: impl Into<String>) {
        self.state.with(|state| state.record_failure(message));
    }

    fn is_violated(&self) -> bool {
        self.state.with(|state| state.violation.is_some())
    }

    fn execute(&mut self, step: Step) {
        self.state.with(|state| {
            if let Some(trace) = &mut state.trace {
                trace.push(format!("  {step:?}"));
            }
        });
        match step {
            Step::Settle => self.settle(),
            Step::Calls(calls) => self.advance(calls),
            Step::Wait(seconds) => self.wait(Duration::from_secs(u64::from(seconds))),
            Step::Fault(Fault::Crash(cluster)) => self.crash(cluster),
            Step::Fault(Fault::WatchLags(cluster, watch, lags)) => self.operators[cluster].set_lag(watch, lags),
            Step::Fault(fault @ Fault::ClusterCloned) => {
                self.state.with(|state| state.apply_fault(fault));
                self.crash(1);
            }
            step => self.state.with(|state| match step {
                Step::ServiceOperator(cluster) => {
                    let now = state.now;
                    state.clusters[cluster].run_service_operator(&mut state.sap, now);
                }
                Step::Key(actor, action) => state.act_on_key(actor, action),
                Step::Tenant(cluster, name, action) => state.act_on_tenant(cluster, name, action),
                Step::Source(actor, action) => state.act_on_source(actor, action),
                Step::App(zone, action) => state.act_in_app(zone, action),
                Step::Fault(fault) => state.apply_fault(fault),
                Step::ManualMode => state.enter_manual_mode(),
                Step::HttpMode => state.leave_manual_mode(),
                Step::Person(errand, deed) => state.do_deed(errand, deed),
                Step::Settle | Step::Calls(_) | Step::Wait(_) => {}
            }),
        }
    }

    /// Replaces a process. Its observations and its running reconciliations are lost.
    fn crash(&mut self, cluster: usize) {
        self.operators[cluster] = Operator::start(&self.state, cluster, self.process_count);
        self.process_count += 1;
    }

    fn start_due_reconciliations(&mut self) {
        for operator in &mut self.operators {
            operator.receive_events();
            operator.start_due_reconciliations(|| self.jitter.fraction());
        }
    }

    /// Lets one reconciliation of each operator proceed to its next call. Returns true if any was running.
    fn advance_operators(&mut self) -> bool {
        self.start_due_reconciliations();
        self.operators.iter_mut().fold(false, |busy, operator| operator.advance() | busy)
    }

    fn advance(&mut self, calls: u8) {
        for _ in 0..calls {
            self.advance_operators();
        }
    }

    /// Runs everything that is due at this moment to its end.
    fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let is_busy = self.advance_operators();
            if self.is_violated() {
                return;
            }
            if is_busy {
                continue;
            }
            let has_worked = self.state.with(|state| {
                let (now, sap) = (state.now, &mut state.sap);
                let clusters = state.clusters.iter_mut();
                clusters.fold(false, |worked, cluster| cluster.run_service_operator(sap, now) | worked)
            });
            if !has_worked {
                self.state.with(|state| {
                    for cluster in &mut state.clusters {
                        cluster.own_kind_is_terminating &= !cluster.keys.is_empty();
                    }
                });
                return;
            }
        }
        self.record_failure("reconciliations follow each other without a pause");
    }

    /// Lets time pass, and does everything that falls due meanwhile.
    fn wait(&mut self, time: Duration) {
        let end = self.state.with(|state| state.now) + time;
        for _ in 0..MAX_ROUNDS {
            self.settle();
            let due = self.operators.iter().filter_map(Operator::next_due).min();
            let now = self.state.with(|state| {
                state.now = due.filter(|due| *due <= end).unwrap_or(end).max(state.now);
                state.now
            });
            if due.is_none_or(|due| due > now) || self.is_violated() {
                return;
            }
        }
        self.record_failure("too many reconciliations within the time");
    }

    /// Checks that no deletion waits for a person and that no two requests contradict each other, and then lets honest
    /// people do what they are asked for.
    fn converge_with_people(&mut self) {
        self.state.with(|state| {
            let findings = [waiting_deletions(state), contradictory_requests(state)].concat();
            if let Some(finding) = findings.first() {
                state.record_violation(finding.clone());
            }
        });
        for _ in 0..MAX_ERRANDS {
            if self.is_violated() || !self.state.with(State::follow_all_requests) {
                return;
            }
            self.wait(CONVERGENCE_TIME);
        }
        self.record_failure("people follow the steps, and are asked again and again");
    }

    /// Ends all faults, waits, and checks that everything has converged and stays quiet.
    fn converge(&mut self) {
        self.state.with(State::end_faults);
        self.operators.iter_mut().for_each(Operator::end_lags);
        self.wait(CONVERGENCE_TIME);
        if self.state.with(|state| state.is_manual) {
            self.converge_with_people();
        }
        let write_count = self.state.with(|state| {
            state.remote_calls.clear();
            if let Some(finding) = unsettled(state).first() {
                state.record_violation(finding.clone());
            }
            state.write_count
        });
        if self.is_violated() {
            return;
        }
        self.wait(QUIET_TIME);
        self.state.with(|state| {
            if state.write_count != write_count {
                state.record_failure("something was written although nothing had changed");
            }
            if let Some(finding) = excessive_calls(state).first() {
                state.record_violation(finding.clone());
            }
        });
    }
}

/// Runs steps with the jitter of a seed. Returns the number of steps.
pub(crate) fn run(seed: u64, steps: &[Step]) -> Result<usize, Violation> {
    Simulation::new(seed, false).run(steps)
}

/// Returns the invariant that the steps violate, if they do.
pub(crate) fn violation(steps: &[Step]) -> Option<String> {
    run(1, steps).err().map(|violation| violation.message)
}

/// Runs steps with a trace. Returns the violated invariant, if there is one, and the trace.
pub(crate) fn run_with_trace(seed: u64, steps: &[Step]) -> (Option<String>, Vec<String>) {
    let mut simulation = Simulation::new(seed, true);
    let violation = simulation.run(steps).err().map(|violation| violation.message);
    (violation, simulation.state.with(|state| state.trace.take().unwrap_or_default()))
}
