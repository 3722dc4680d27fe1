//! Draws histories in manual mode: a history as of any mode, and deeds of people between its steps.

use super::people::{Care, Deed, Errand, Word};
use crate::simulation::generator::{Rng, draw_steps};
use crate::simulation::step::{Actor, KeyAction, SourceAction, Step, TenantAction};

/// The number of steps that few histories exceed.
const MAX_STEPS: u64 = 40;

/// Draws the history of a seed.
pub(crate) fn draw_manual_history(seed: u64) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    // The objects of one cluster: two clusters cannot know of each other through people alone.
    let actors: Vec<Actor> = match rng.below(5) {
        0 | 1 => vec![Actor::FIRST],
        2 => vec![Actor::FIRST, Actor::SIBLING, Actor::THIRD],
        3 => vec![Actor::FIRST, Actor::OF_ANOTHER_TENANT],
        _ => vec![Actor::FIRST, Actor::SIBLING],
    };
    // In some histories the tenants leave manual mode in the end.
    let end = rng.below(8 * MAX_STEPS);
    let mut steps = vec![Step::ManualMode];
    let size = 2 + rng.below(5);
    let palette: Vec<Step> = (0..size).map(|_| draw_deed(&mut rng, &actors)).collect();
    let share = 20 + rng.below(60);
    for (number, step) in (0..).zip(draw_steps(&mut rng, &actors)) {
        steps.push(step);
        if number == end {
            steps.push(Step::HttpMode);
        }
        if rng.below(100) < share {
            steps.push(match rng.below(4) {
                0 => draw_deed(&mut rng, &actors),
                _ => rng.pick(&palette),
            });
        }
    }
    steps
}

/// Draws a deed of a person, or an event that matters in manual mode alone.
fn draw_deed(rng: &mut Rng, actors: &[Actor]) -> Step {
    let actor = rng.pick(actors);
    let errand = match rng.below(5) {
        0 => Errand::Removal(actor.tenant()),
        _ => Errand::Action(actor),
    };
    match rng.below(24) {
        0..9 => Step::Person(errand, Deed::Follow(draw_word(rng))),
        9..12 => Step::Person(errand, Deed::Read),
        12..15 => Step::Person(errand, Deed::Act(rng.pick(&[Care::Honest, Care::Honest, Care::Hasty]))),
        15..18 => Step::Person(errand, Deed::Confirm(draw_word(rng))),
        18..20 => Step::Source(actor, SourceAction::Rotate),
        20 => Step::Source(actor, SourceAction::ExpireStaleCopies),
        21 => Step::Key(actor, rng.pick(&[KeyAction::Delete, KeyAction::Create])),
        _ => Step::Tenant(0, actor.tenant(), draw_loss(rng)),
    }
}

fn draw_word(rng: &mut Rng) -> Word {
    rng.pick(&[Word::Done, Word::Done, Word::DoneWith, Word::Holds])
}

fn draw_loss(rng: &mut Rng) -> TenantAction {
    rng.pick(&[TenantAction::ClearStatus, TenantAction::RestoreStatus(1), TenantAction::RestoreStatus(3)])
}
