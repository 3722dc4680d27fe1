//! What the plan decides, as sentences.

mod always;
mod any;
mod blink;
mod conditions;
mod dead;
mod deletion;
mod gone;
mod leave;
mod ledger;
mod observe;
mod occupied;
mod settled;
mod table;
mod tenant;
mod upload;
mod verified;
mod world;
