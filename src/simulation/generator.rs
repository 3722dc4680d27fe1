//! The generator: draws a random history from a seed.
//!
//! Each history draws its steps from a small palette and for few objects, so that rare events meet. (Swarm testing: Groce
//! and others, "Swarm Testing", ISSTA 2012.)

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::model::document::Edition;
use crate::simulation::model::sap::zone_index;
use crate::simulation::step::{
    Actor, ApiReadFault, ApiWriteFault, AppAction, Credential, Fault, KeyAction, ReadKind, SecretContent,
    SlotWriteFault, SourceAction, Step, Tamper, TenantAction, Watch,
};

/// A jump of a clock, in seconds, further back than most histories last.
const FAR_BACK: i32 = -7200;

/// A random number generator (`SplitMix64`). It must not change: a seed names a history.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Returns a number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Returns one of the choices. A choice that is listed twice is twice as likely.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).expect("a small number");
        choices[index]
    }

    /// Returns a number from 0 to below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1000)).expect("a small number")) / 1000.0
    }
}

/// Draws the history of a seed: an opening, and then random steps.
pub(crate) fn draw_history(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let actors: Vec<Actor> = match rng.below(6) {
        0 => vec![Actor::FIRST],
        1 => Actor::ALL.to_vec(),
        2 => vec![Actor::FIRST, Actor::SIBLING],
        _ => vec![Actor::FIRST, rng.pick(&Actor::ALL)],
    };
    draw_steps(&mut rng, &actors)
}

/// Draws the history of two clusters with the same cluster ID, in which objects have the same name.
pub(crate) fn draw_cloned_history(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let copy = Step::Key(Actor::NAMESAKE, KeyAction::Tamper(Tamper::CopyStatus(Actor::FIRST)));
    let mut steps = vec![Step::Fault(Fault::ClusterCloned)];
    steps.extend(draw_steps(&mut rng, &[Actor::FIRST, Actor::NAMESAKE]));
    let position = 1 + rng.below(steps.len() as u64);
    steps.insert(usize::try_from(position).expect("a small number"), copy);
    steps
}

/// Draws an opening, and then random steps of these actors.
pub(crate) fn draw_steps(rng: &mut Rng, actors: &[Actor]) -> Vec<Step> {
    let mut steps = draw_opening(rng, actors);
    let size = 3 + rng.below(8);
    let mut palette: Vec<Step> = (0..size).map(|_| draw_event(rng, actors)).collect();
    let counterparts: Vec<Step> = palette.iter().filter_map(|step| counterpart(*step)).collect();
    let companions: Vec<Step> = palette.iter().flat_map(|step| companions(*step)).collect();
    palette.extend(counterparts.into_iter().chain(companions));
    let quiet_share = 20 + rng.below(50);
    // Half of the histories are mostly cut: their events meet reconciliations that are still running.
    let is_cut = rng.coin();
    let length = 4 + rng.below(36);
    for _ in 0..length {
        steps.push(match rng.below(100) {
            share if share < quiet_share => draw_pause(rng, is_cut),
            96..100 => draw_event(rng, actors),
            _ => rng.pick(&palette),
        });
    }
    steps
}

/// Draws the initial state. In most histories a key is uploaded first.
fn draw_opening(rng: &mut Rng, actors: &[Actor]) -> Vec<Step> {
    let mut steps = Vec::new();
    if rng.coin() {
        let policy = rng.pick(&[AdoptionPolicy::Never, AdoptionPolicy::Replace, AdoptionPolicy::Replace]);
        steps.push(Step::Tenant(rng.pick(&[0, 0, 1]), "acme", TenantAction::SetAdoption(policy)));
    }
    for actor in actors {
        let credential = rng.pick(&[Credential::Instance, Credential::Instance, Credential::Own]);
        steps.push(Step::Source(*actor, SourceAction::Bind(credential)));
        if rng.below(5) > 0 {
            steps.push(Step::Key(*actor, KeyAction::Create));
        }
        if rng.below(3) == 0 {
            steps.push(Step::Key(*actor, draw_spec_change(rng)));
        }
    }
    match rng.below(8) {
        0 => steps.push(Step::App(0, AppAction::Fill)),
        // The service operator needs two runs to make a binding ready.
        1 => steps.extend([
            Step::ServiceOperator(0),
            Step::ServiceOperator(0),
            Step::App(0, AppAction::FillWithKeyOf(Actor::FIRST, Edition::Original)),
        ]),
        _ => {}
    }
    if rng.below(6) == 0 {
        steps.push(Step::Fault(Fault::NextSlotWrite(draw_slot_write_fault(rng))));
    }
    if rng.below(5) > 0 {
        steps.push(Step::Settle);
    }
    steps
}

/// Returns the step that ends or reverts a lasting one.
fn counterpart(step: Step) -> Option<Step> {
    Some(match step {
        Step::Fault(fault) => Step::Fault(match fault {
            Fault::TokenEndpointDown(on) => Fault::TokenEndpointDown(!on),
            Fault::ZonesUnknown(on) => Fault::ZonesUnknown(!on),
            Fault::LandscapeDown(on) => Fault::LandscapeDown(!on),
            Fault::ApiServerDown(cluster, on) => Fault::ApiServerDown(cluster, !on),
            Fault::WatchLags(cluster, watch, on) => Fault::WatchLags(cluster, watch, !on),
            Fault::BindingKindDefined(cluster, on) => Fault::BindingKindDefined(cluster, !on),
            Fault::NextSlotWrite(SlotWriteFault::Delayed) => Fault::DelayedWritesArrive,
            Fault::ReadsFail(cluster, kind, _) => Fault::ReadsFail(cluster, kind, None),
            _ => return None,
        }),
        Step::Key(actor, KeyAction::Observe(on)) => Step::Key(actor, KeyAction::Observe(!on)),
        Step::Key(actor, KeyAction::Suspend(on)) => Step::Key(actor, KeyAction::Suspend(!on)),
        Step::Key(actor, KeyAction::Retain(on)) => Step::Key(actor, KeyAction::Retain(!on)),
        Step::Key(actor, KeyAction::Delete) => Step::Key(actor, KeyAction::Create),
        Step::Source(actor, SourceAction::Unbind) => Step::Source(actor, SourceAction::Bind(Credential::Instance)),
        Step::Source(actor, SourceAction::KillKey) => Step::Source(actor, SourceAction::ReviveKey),
        Step::Tenant(cluster, name, TenantAction::Delete) => Step::Tenant(cluster, name, TenantAction::Create),
        Step::Tenant(cluster, name, TenantAction::Admit(on)) => Step::Tenant(cluster, name, TenantAction::Admit(!on)),
        _ => return None,
    })
}

/// Returns steps that make a rare one interesting and would hardly ever meet it by chance.
fn companions(step: Step) -> Vec<Step> {
    match step {
        Step::Fault(Fault::BindingKindDefined(cluster, _)) => {
            vec![Step::Fault(Fault::ApiServerClockJumps(cluster, FAR_BACK))]
        }
        // The slot then holds a foreign key that the status claims.
        Step::Key(actor, KeyAction::Tamper(Tamper::ClaimSlot)) => {
            vec![Step::App(zone_index(actor.tenant()), AppAction::Fill), Step::Key(actor, KeyAction::Delete)]
        }
        Step::Key(actor, KeyAction::Tamper(_)) => vec![Step::Key(actor, KeyAction::Delete)],
        _ => Vec::new(),
    }
}

/// Draws a step that lets reconciliations proceed.
fn draw_pause(rng: &mut Rng, is_cut: bool) -> Step {
    match rng.below(43) {
        0..20 if is_cut => Step::Calls(rng.pick(&[1, 2, 3, 4, 5, 6, 7, 9, 12])),
        0..24 => Step::Settle,
        24..28 => Step::Calls(rng.pick(&[1, 2, 3, 4, 5, 7, 9, 12])),
        28..40 => Step::Wait(rng.pick(&[1, 5, 11, 60, 61, 240, 301, 601, 960, 3600, 4000])),
        _ => Step::ServiceOperator(rng.pick(&[0, 0, 1])),
    }
}

/// Draws an action or a fault.
fn draw_event(rng: &mut Rng, actors: &[Actor]) -> Step {
    match rng.below(57) {
        0..18 => Step::Key(rng.pick(actors), draw_key_action(rng)),
        18..24 => {
            let cluster = rng.pick(&[0, 0, 1]);
            Step::Tenant(cluster, rng.pick(&["acme", "acme", "acme", "other"]), draw_tenant_action(rng))
        }
        24..38 => Step::Source(rng.pick(actors), draw_source_action(rng)),
        38..44 => Step::App(rng.pick(&[0, 0, 0, 1]), draw_app_action(rng, actors)),
        _ => Step::Fault(draw_fault(rng)),
    }
}

fn draw_key_action(rng: &mut Rng) -> KeyAction {
    match rng.below(22) {
        0..6 => KeyAction::Create,
        6..9 => KeyAction::Delete,
        9..15 => draw_spec_change(rng),
        15 => KeyAction::UseSecret(rng.coin()),
        16 => KeyAction::Abandon,
        17 => KeyAction::RequestReconciliation,
        18 => KeyAction::Annotate,
        _ => KeyAction::Tamper(draw_tamper(rng)),
    }
}

fn draw_tamper(rng: &mut Rng) -> Tamper {
    match rng.below(9) {
        0..2 => Tamper::ClearStatus,
        2..4 => Tamper::RestoreStatus(rng.pick(&[1, 2, 3, 5])),
        4 => Tamper::ForgeFingerprint,
        5 => Tamper::ForgeRevision,
        6 => Tamper::ClaimSlot,
        7 => Tamper::CopyStatus(rng.pick(&Actor::ALL)),
        _ => Tamper::ClaimWrite,
    }
}

fn draw_spec_change(rng: &mut Rng) -> KeyAction {
    match rng.below(6) {
        0 => KeyAction::Observe(rng.coin()),
        1 => KeyAction::Suspend(rng.coin()),
        2 => KeyAction::Retain(rng.coin()),
        3 => KeyAction::ReportDeadKey(rng.coin()),
        4 => KeyAction::GracePeriod(rng.pick(&[0, 60, 300])),
        _ => KeyAction::Interval(rng.pick(&[900, 3600])),
    }
}

fn draw_tenant_action(rng: &mut Rng) -> TenantAction {
    match rng.below(10) {
        0..5 => TenantAction::SetAdoption(rng.pick(&[
            AdoptionPolicy::Never,
            AdoptionPolicy::IfIdentical,
            AdoptionPolicy::Replace,
            AdoptionPolicy::Replace,
        ])),
        5..8 => TenantAction::Admit(rng.coin()),
        8 => TenantAction::Delete,
        _ => TenantAction::Create,
    }
}

fn draw_source_action(rng: &mut Rng) -> SourceAction {
    match rng.below(23) {
        0..6 => SourceAction::Bind(rng.pick(&[Credential::Instance, Credential::Instance, Credential::Own])),
        6..9 => SourceAction::Unbind,
        9..12 => SourceAction::Rotate,
        12 => SourceAction::DeleteBindingSecret,
        13 => SourceAction::Touch,
        14 => {
            let contents = [SecretContent::InstanceKey, SecretContent::FreshKey, SecretContent::Invalid];
            SourceAction::WriteSecret(rng.pick(&contents))
        }
        15 => SourceAction::DeleteSecret,
        16..18 => SourceAction::KillKey,
        18 => SourceAction::CheckBinding,
        19..22 => SourceAction::Edit(rng.pick(&Edition::ALL)),
        _ => SourceAction::ReviveKey,
    }
}

fn draw_app_action(rng: &mut Rng, actors: &[Actor]) -> AppAction {
    match rng.below(12) {
        0..2 => AppAction::Fill,
        2..5 => AppAction::FillWithKeyOf(rng.pick(actors), rng.pick(&Edition::ALL)),
        5..7 => AppAction::Empty,
        7 => AppAction::BumpRevision,
        8 => AppAction::KillKey,
        9..11 => AppAction::Edit(rng.pick(&Edition::ALL)),
        _ => AppAction::ReplaceInstance,
    }
}

fn draw_slot_write_fault(rng: &mut Rng) -> SlotWriteFault {
    rng.pick(&[
        SlotWriteFault::AnswerLost,
        SlotWriteFault::Delayed,
        SlotWriteFault::Delayed,
        SlotWriteFault::Lost,
        SlotWriteFault::TooManyRequests,
    ])
}

fn draw_fault(rng: &mut Rng) -> Fault {
    let cluster = rng.pick(&[0, 0, 0, 1]);
    match rng.below(24) {
        0 => Fault::TokenEndpointDown(rng.coin()),
        1 => Fault::ZonesUnknown(rng.coin()),
        2..4 => Fault::LandscapeDown(rng.coin()),
        4..8 => Fault::NextSlotWrite(draw_slot_write_fault(rng)),
        8..10 => Fault::DelayedWritesArrive,
        10 => Fault::ApiServerDown(cluster, rng.coin()),
        11..13 => Fault::NextApiWrite(cluster, rng.pick(&[ApiWriteFault::AnswerLost, ApiWriteFault::Conflict])),
        13..16 => Fault::Crash(cluster),
        16 => Fault::WatchLags(cluster, rng.pick(&Watch::ALL), rng.coin()),
        17 => Fault::OperatorClocksJump(rng.pick(&[-7200, -60, 90, 86_400])),
        18 => Fault::ApiServerClockJumps(cluster, rng.pick(&[FAR_BACK, FAR_BACK, -60, 90, 86_400])),
        19 => Fault::BindingKindDefined(cluster, rng.coin()),
        20..22 => {
            let fault = rng.pick(&[Some(ApiReadFault::Forbidden), Some(ApiReadFault::NoAnswer), None]);
            Fault::ReadsFail(cluster, rng.pick(&ReadKind::ALL), fault)
        }
        _ if rng.below(6) == 0 => Fault::OwnKindDeleted(cluster),
        _ => Fault::WatchLags(cluster, rng.pick(&Watch::ALL), rng.coin()),
    }
}
