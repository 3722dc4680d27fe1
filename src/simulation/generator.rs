//! Histories, drawn from a seed.
//!
//! Each draws from a few kinds of steps only, that befall a few objects: what is rare comes together so. (Swarm testing:
//! Groce and others, "Swarm Testing", ISSTA 2012.)

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::model::binding::Credential;
use crate::simulation::model::cluster::{READS, ReadFault, WriteFault};
use crate::simulation::model::sap::Fault;
use crate::simulation::operator::{WATCHES, zone};
use crate::simulation::step::{Act, AppAct, Paste, SourceAct, Step, Tamper, TenantAct, Trouble, Who};

/// By how much a clock is set back, in seconds: further than most histories last.
const BACK: i32 = -7200;

/// Numbers that follow from a seed, the same for good: a seed names a history (`SplitMix64`).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        let at = usize::try_from(self.below(choice.len() as u64)).expect("a small number");
        choice[at]
    }

    /// A number from 0 up to 1.
    pub(crate) fn part(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1000)).expect("a small number")) / 1000.0
    }
}

/// A history: how things stand, and what happens then.
pub(crate) fn history(seed: u64) -> Vec<Step> {
    let mut dice = Rng::new(seed);
    let cast: Vec<Who> = match dice.below(6) {
        0 => vec![Who::FIRST],
        1 => Who::EVERYBODY.to_vec(),
        2 => vec![Who::FIRST, Who::SIBLING],
        _ => vec![Who::FIRST, dice.of(&Who::EVERYBODY)],
    };
    let mut steps = opening(&mut dice, &cast);
    let kinds = 3 + dice.below(8);
    let mut palette: Vec<Step> = (0..kinds).map(|_| event(&mut dice, &cast)).collect();
    let ends: Vec<Step> = palette.iter().filter_map(|step| end_of(*step)).collect();
    let meetings: Vec<Step> = palette.iter().flat_map(|step| met_by(*step)).collect();
    palette.extend(ends.into_iter().chain(meetings));
    let calm = 20 + dice.below(50);
    // Either all runs to its end between two events, or they meet passes that are under way.
    let is_cut = dice.coin();
    let length = 4 + dice.below(36);
    for _ in 0..length {
        steps.push(match dice.below(100) {
            part if part < calm => flow(&mut dice, is_cut),
            96..100 => event(&mut dice, &cast),
            _ => dice.of(&palette),
        });
    }
    steps
}

/// How things stand at first: mostly a key is uploaded.
fn opening(dice: &mut Rng, cast: &[Who]) -> Vec<Step> {
    let mut steps = Vec::new();
    if dice.coin() {
        let policy = dice.of(&[AdoptionPolicy::Never, AdoptionPolicy::Replace, AdoptionPolicy::Replace]);
        steps.push(Step::Tenant(dice.of(&[0, 0, 1]), "acme", TenantAct::Adoption(policy)));
    }
    for who in cast {
        let credential = dice.of(&[Credential::Instance, Credential::Instance, Credential::Own]);
        steps.push(Step::Source(*who, SourceAct::Bind(credential)));
        if dice.below(5) > 0 {
            steps.push(Step::Key(*who, Act::Create));
        }
        if dice.below(3) == 0 {
            steps.push(Step::Key(*who, spec_act(dice)));
        }
    }
    match dice.below(8) {
        0 => steps.push(Step::App(0, AppAct::Fill)),
        // Its binding is ready once it was worked on twice.
        1 => steps.extend([Step::Work(0), Step::Work(0), Step::App(0, AppAct::FillAlike(Who::FIRST))]),
        _ => {}
    }
    if dice.below(6) == 0 {
        steps.push(Step::Trouble(Trouble::NextWrite(write_fault(dice))));
    }
    if dice.below(5) > 0 {
        steps.push(Step::Settle);
    }
    steps
}

/// What ends it, if it lasts.
fn end_of(step: Step) -> Option<Step> {
    match step {
        Step::Trouble(Trouble::TokenEndpointDown(on)) => Some(Step::Trouble(Trouble::TokenEndpointDown(!on))),
        Step::Trouble(Trouble::LandscapeDown(on)) => Some(Step::Trouble(Trouble::LandscapeDown(!on))),
        Step::Trouble(Trouble::ApiServerDown(cluster, on)) => Some(Step::Trouble(Trouble::ApiServerDown(cluster, !on))),
        Step::Trouble(Trouble::Lag(cluster, watch, on)) => Some(Step::Trouble(Trouble::Lag(cluster, watch, !on))),
        Step::Trouble(Trouble::BindingKind(cluster, on)) => Some(Step::Trouble(Trouble::BindingKind(cluster, !on))),
        Step::Trouble(Trouble::NextWrite(Fault::HeldBack)) => Some(Step::Trouble(Trouble::HeldWritesLand)),
        Step::Trouble(Trouble::ReadsFail(cluster, what, _)) => {
            Some(Step::Trouble(Trouble::ReadsFail(cluster, what, None)))
        }
        Step::Key(who, Act::Observe(on)) => Some(Step::Key(who, Act::Observe(!on))),
        Step::Key(who, Act::Suspend(on)) => Some(Step::Key(who, Act::Suspend(!on))),
        Step::Key(who, Act::Retain(on)) => Some(Step::Key(who, Act::Retain(!on))),
        Step::Key(who, Act::Delete) => Some(Step::Key(who, Act::Create)),
        Step::Source(who, SourceAct::Unbind) => Some(Step::Source(who, SourceAct::Bind(Credential::Instance))),
        Step::Source(who, SourceAct::Kill) => Some(Step::Source(who, SourceAct::Revive)),
        Step::Tenant(cluster, name, TenantAct::Delete) => Some(Step::Tenant(cluster, name, TenantAct::Create)),
        Step::Tenant(cluster, name, TenantAct::Admit(on)) => Some(Step::Tenant(cluster, name, TenantAct::Admit(!on))),
        _ => None,
    }
}

/// What it is to meet: hardly ever would they come together by themselves.
fn met_by(step: Step) -> Vec<Step> {
    match step {
        Step::Trouble(Trouble::BindingKind(cluster, _)) => {
            vec![Step::Trouble(Trouble::ClusterClockJumps(cluster, BACK))]
        }
        // What is claimed is a key of somebody else's.
        Step::Key(who, Act::Tamper(Tamper::ClaimsTheSlot)) => {
            vec![Step::App(zone(who.tenant()), AppAct::Fill), Step::Key(who, Act::Delete)]
        }
        Step::Key(who, Act::Tamper(_)) => vec![Step::Key(who, Act::Delete)],
        _ => Vec::new(),
    }
}

/// Time goes by.
fn flow(dice: &mut Rng, is_cut: bool) -> Step {
    match dice.below(43) {
        0..20 if is_cut => Step::Calls(dice.of(&[1, 2, 3, 4, 5, 6, 7, 9, 12])),
        0..24 => Step::Settle,
        24..28 => Step::Calls(dice.of(&[1, 2, 3, 4, 5, 7, 9, 12])),
        28..40 => Step::Wait(dice.of(&[1, 5, 11, 60, 61, 240, 301, 601, 960, 3600, 4000])),
        _ => Step::Work(dice.of(&[0, 0, 1])),
    }
}

/// Something happens.
fn event(dice: &mut Rng, cast: &[Who]) -> Step {
    match dice.below(57) {
        0..18 => Step::Key(dice.of(cast), act(dice)),
        18..24 => Step::Tenant(dice.of(&[0, 0, 1]), dice.of(&["acme", "acme", "acme", "other"]), tenant_act(dice)),
        24..38 => Step::Source(dice.of(cast), source_act(dice)),
        38..44 => Step::App(dice.of(&[0, 0, 0, 1]), app_act(dice, cast)),
        _ => Step::Trouble(trouble(dice)),
    }
}

fn act(dice: &mut Rng) -> Act {
    match dice.below(22) {
        0..6 => Act::Create,
        6..9 => Act::Delete,
        9..15 => spec_act(dice),
        15 => Act::FromSecret(dice.coin()),
        16 => Act::Abandon,
        17 => Act::Request,
        18 => Act::Annotate,
        _ => Act::Tamper(tamper(dice)),
    }
}

fn tamper(dice: &mut Rng) -> Tamper {
    match dice.below(8) {
        0..2 => Tamper::Loses,
        2..4 => Tamper::Restores(dice.of(&[1, 2, 3, 5])),
        4 => Tamper::NamesAnotherKey,
        5 => Tamper::NamesAnotherRevision,
        6 => Tamper::ClaimsTheSlot,
        _ => Tamper::ClaimsAWrite,
    }
}

fn spec_act(dice: &mut Rng) -> Act {
    match dice.below(6) {
        0 => Act::Observe(dice.coin()),
        1 => Act::Suspend(dice.coin()),
        2 => Act::Retain(dice.coin()),
        3 => Act::Report(dice.coin()),
        4 => Act::Grace(dice.of(&[0, 60, 300])),
        _ => Act::Interval(dice.of(&[900, 3600])),
    }
}

fn tenant_act(dice: &mut Rng) -> TenantAct {
    match dice.below(10) {
        0..5 => TenantAct::Adoption(dice.of(&[
            AdoptionPolicy::Never,
            AdoptionPolicy::IfIdentical,
            AdoptionPolicy::Replace,
            AdoptionPolicy::Replace,
        ])),
        5..8 => TenantAct::Admit(dice.coin()),
        8 => TenantAct::Delete,
        _ => TenantAct::Create,
    }
}

fn source_act(dice: &mut Rng) -> SourceAct {
    match dice.below(20) {
        0..6 => SourceAct::Bind(dice.of(&[Credential::Instance, Credential::Instance, Credential::Own])),
        6..9 => SourceAct::Unbind,
        9..12 => SourceAct::Rotate,
        12 => SourceAct::SecretDeleted,
        13 => SourceAct::Touch,
        14 => SourceAct::Paste(dice.of(&[Paste::Instance, Paste::Fresh, Paste::Broken])),
        15 => SourceAct::Drop,
        16..18 => SourceAct::Kill,
        18 => SourceAct::Notice,
        _ => SourceAct::Revive,
    }
}

fn app_act(dice: &mut Rng, cast: &[Who]) -> AppAct {
    match dice.below(10) {
        0..2 => AppAct::Fill,
        2..5 => AppAct::FillAlike(dice.of(cast)),
        5..7 => AppAct::Empty,
        7 => AppAct::Restamp,
        8 => AppAct::Kill,
        _ => AppAct::ReplaceInstance,
    }
}

fn write_fault(dice: &mut Rng) -> Fault {
    dice.of(&[Fault::AnswerLost, Fault::HeldBack, Fault::HeldBack, Fault::Lost, Fault::TooMany])
}

fn trouble(dice: &mut Rng) -> Trouble {
    let cluster = dice.of(&[0, 0, 0, 1]);
    match dice.below(24) {
        0..2 => Trouble::TokenEndpointDown(dice.coin()),
        2..4 => Trouble::LandscapeDown(dice.coin()),
        4..8 => Trouble::NextWrite(write_fault(dice)),
        8..10 => Trouble::HeldWritesLand,
        10 => Trouble::ApiServerDown(cluster, dice.coin()),
        11..13 => Trouble::NextStatusWrite(cluster, dice.of(&[WriteFault::AnswerLost, WriteFault::Conflict])),
        13..16 => Trouble::Crash(cluster),
        16 => Trouble::Lag(cluster, dice.of(&WATCHES), dice.coin()),
        17 => Trouble::ClocksJump(dice.of(&[-7200, -60, 90, 86_400])),
        18 => Trouble::ClusterClockJumps(cluster, dice.of(&[BACK, BACK, -60, 90, 86_400])),
        19 => Trouble::BindingKind(cluster, dice.coin()),
        20..22 => {
            let fault = dice.of(&[Some(ReadFault::Refused), Some(ReadFault::NoAnswer), None]);
            Trouble::ReadsFail(cluster, dice.of(&READS), fault)
        }
        _ if dice.below(6) == 0 => Trouble::OwnKindGoes(cluster),
        _ => Trouble::Lag(cluster, dice.of(&WATCHES), dice.coin()),
    }
}
