//! What the plan decides, as sentences.

mod conditions;
mod dead;
mod deletion;
mod generator;
mod gone;
mod hand_over;
mod invariants;
mod ledger;
mod observe;
mod occupied;
mod scenario;
mod settled;
mod source_uncertain;
mod table;
mod tenant;
mod upload;
mod verified;
