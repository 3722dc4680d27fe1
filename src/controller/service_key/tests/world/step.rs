//! What can happen, and histories of it, drawn from a seed.

use std::fmt;

use super::binding::Credential;
use super::cluster::WriteFault;
use super::operator::{WATCHES, Watch};
use super::sap::Fault;
use crate::domain::policy::AdoptionPolicy;

/// An `ALMServiceKey` by its place: cluster, name, tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Who(usize);

/// Three siblings, one of another cluster for the same slot, and one of another tenant.
const ALL: [(usize, &str, &str); 5] =
    [(0, "a", "acme"), (0, "b", "acme"), (0, "c", "acme"), (1, "a", "acme"), (0, "x", "other")];

impl Who {
    pub(super) const FIRST: Self = Self(0);

    pub(super) fn cluster(self) -> usize {
        ALL[self.0].0
    }

    pub(super) fn name(self) -> &'static str {
        ALL[self.0].1
    }

    pub(super) fn tenant(self) -> &'static str {
        ALL[self.0].2
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster() + 1, self.name())
    }
}

/// What people do with an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Delete,
    Observe(bool),
    Suspend(bool),
    Retain(bool),
    Report(bool),
    /// Grace in seconds.
    Grace(u32),
    /// Interval in seconds.
    Interval(u32),
    /// From a plain Secret, or from a binding.
    FromSecret(bool),
    Abandon,
    Request,
    Annotate,
    /// A backup without its status is restored.
    LosesItsStatus,
}

/// What people do with an `ALMTenant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantAct {
    Adoption(AdoptionPolicy),
    Admit(bool),
    Delete,
    Create,
}

/// What a plain Secret is made to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paste {
    Instance,
    Fresh,
    Broken,
}

/// What happens to the source of an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceAct {
    Bind(Credential),
    Unbind,
    Rotate,
    /// The binding's Secret is deleted by hand.
    SecretDeleted,
    /// Somebody touches the binding: the operator makes its Secret anew.
    Touch,
    Paste(Paste),
    /// The plain Secret is deleted.
    Drop,
    /// Its key is deleted in the cockpit.
    Kill,
    /// The operator notices that.
    Notice,
    /// Its key signs in again.
    Revive,
}

/// What happens in the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AppAct {
    /// A person puts a key of their own there.
    Fill,
    /// A person puts there what an object has.
    FillAlike(Who),
    Empty,
    /// The same content under a new revision.
    Restamp,
    /// The key there dies.
    Kill,
    /// The service instance is made anew.
    ReplaceInstance,
}

/// What goes wrong, and right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    TokenEndpointDown(bool),
    LandscapeDown(bool),
    NextWrite(Fault),
    HeldWritesLand,
    ApiServerDown(usize, bool),
    NextStatusWrite(usize, WriteFault),
    Crash(usize),
    Lag(usize, Watch, bool),
    /// Wall clocks jump, by so many seconds.
    ClocksJump(i32),
    BindingKind(usize, bool),
    OwnKindGoes(usize),
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All passes run to their end, and BTP's operator does its work.
    Settle,
    /// The passes that run make so many calls.
    Calls(u8),
    /// Time passes, in seconds, and all is done that is due meanwhile.
    Wait(u32),
    /// BTP's operator does one thing with each binding.
    Work(usize),
    Key(Who, Act),
    Tenant(usize, &'static str, TenantAct),
    Source(Who, SourceAct),
    App(usize, AppAct),
    Trouble(Trouble),
}

/// Numbers that follow from a seed, the same for good: a seed names a history (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
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
    pub(super) fn part(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1000)).expect("a small number")) / 1000.0
    }
}

/// A history: most begin with a key that is uploaded.
pub(super) fn history(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let mut steps = Vec::new();
    if dice.below(4) > 0 {
        let credential = dice.of(&[Credential::Instance, Credential::Own]);
        steps.extend([Step::Source(Who::FIRST, SourceAct::Bind(credential)), Step::Key(Who::FIRST, Act::Create)]);
        steps.push(Step::Settle);
    }
    let length = 4 + dice.below(28);
    for _ in 0..length {
        steps.push(step(&mut dice));
    }
    steps
}

fn step(dice: &mut Dice) -> Step {
    match dice.below(100) {
        0..16 => Step::Settle,
        16..28 => Step::Calls(dice.of(&[1, 2, 3, 4, 5, 7, 9, 12])),
        28..40 => Step::Wait(dice.of(&[1, 5, 11, 60, 61, 240, 301, 601, 960, 3600, 4000])),
        40..43 => Step::Work(dice.of(&[0, 0, 1])),
        43..61 => Step::Key(who(dice), act(dice)),
        61..67 => Step::Tenant(dice.of(&[0, 0, 1]), dice.of(&["acme", "acme", "acme", "other"]), tenant_act(dice)),
        67..81 => Step::Source(who(dice), source_act(dice)),
        81..87 => Step::App(dice.of(&[0, 0, 0, 1]), app_act(dice)),
        _ => Step::Trouble(trouble(dice)),
    }
}

fn who(dice: &mut Dice) -> Who {
    Who(dice.of(&[0, 0, 0, 1, 1, 2, 3, 3, 4]))
}

fn act(dice: &mut Dice) -> Act {
    match dice.below(20) {
        0..6 => Act::Create,
        6..9 => Act::Delete,
        9 => Act::Observe(dice.coin()),
        10 => Act::Suspend(dice.coin()),
        11 => Act::Retain(dice.coin()),
        12 => Act::Report(dice.coin()),
        13 => Act::Grace(dice.of(&[0, 60, 300])),
        14 => Act::Interval(dice.of(&[900, 3600])),
        15 => Act::FromSecret(dice.coin()),
        16 => Act::Abandon,
        17 => Act::Request,
        18 => Act::Annotate,
        _ => Act::LosesItsStatus,
    }
}

fn tenant_act(dice: &mut Dice) -> TenantAct {
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

fn source_act(dice: &mut Dice) -> SourceAct {
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

fn app_act(dice: &mut Dice) -> AppAct {
    match dice.below(10) {
        0..2 => AppAct::Fill,
        2..5 => AppAct::FillAlike(who(dice)),
        5..7 => AppAct::Empty,
        7 => AppAct::Restamp,
        8 => AppAct::Kill,
        _ => AppAct::ReplaceInstance,
    }
}

fn trouble(dice: &mut Dice) -> Trouble {
    let cluster = dice.of(&[0, 0, 0, 1]);
    match dice.below(20) {
        0..2 => Trouble::TokenEndpointDown(dice.coin()),
        2..4 => Trouble::LandscapeDown(dice.coin()),
        4..8 => Trouble::NextWrite(dice.of(&[
            Fault::AnswerLost,
            Fault::HeldBack,
            Fault::HeldBack,
            Fault::Lost,
            Fault::TooMany,
        ])),
        8..10 => Trouble::HeldWritesLand,
        10 => Trouble::ApiServerDown(cluster, dice.coin()),
        11..13 => Trouble::NextStatusWrite(cluster, dice.of(&[WriteFault::AnswerLost, WriteFault::Conflict])),
        13..16 => Trouble::Crash(cluster),
        16 => Trouble::Lag(cluster, dice.of(&WATCHES), dice.coin()),
        17 => Trouble::ClocksJump(dice.of(&[-7200, -60, 90, 86_400])),
        18 => Trouble::BindingKind(cluster, dice.coin()),
        _ if dice.below(4) == 0 => Trouble::OwnKindGoes(cluster),
        _ => Trouble::Lag(cluster, dice.of(&WATCHES), dice.coin()),
    }
}
