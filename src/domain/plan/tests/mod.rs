//! Tests of the plan: each one states a decision as a sentence.

mod conditions;
mod dead;
mod deletion;
mod disposal;
mod documents;
mod generator;
mod gone;
mod invariants;
mod ledger;
mod manual;
mod observe;
mod occupied;
mod scenario;
mod settled;
mod source_uncertain;
mod suspended;
mod table;
mod tenant;
mod upload;
mod verified;
