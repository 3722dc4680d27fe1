//! The life of a key from its first upload to its removal. A test about a deletion, a crash, an outage or a mode goes here.

// Failures: rate limits, back-off, unclear answers.
mod backoff;
// The ID of the cluster: clones, and another ID after a disaster.
mod clusters;
// The operator is killed, stopped, or away while something happens.
mod crash;
// The most dangerous crash points of a life; `tests/slow/crash_matrix` tries every one.
mod crash_points;
// Keys that die in BTP while their source still exists.
mod dead_key;
// The object or its source is deleted.
mod deletion;
// No change, no write; an outage is no evidence.
mod idempotence;
// `spec.deletionPolicy`, `spec.mode` and `spec.suspend`.
mod modes;
// The operator is removed: before its objects, with its definitions, or in the documented order.
mod removed;
// Objects and CRDs that are restored, recreated or reinstalled.
mod restore;
// Objects that this version of the operator cannot decode.
mod undecodable;
