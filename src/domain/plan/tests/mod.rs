//! What the plan decides, as sentences.

mod always;
mod any;
mod blink;
mod conditions;
mod dead;
mod deletion;
mod gone;
mod ledger;
mod occupied;
mod settled;
mod tenant;
mod upload;
mod world;
