//! The slot of a tenant and its owner. A test about a key that is already there, or about two that compete, goes here.

// Keys that are not ours, and ours that another client changed: left, adopted, replaced, uploaded again.
mod adoption;
// Changes of a key outside its credentials.
mod documents;
// A slot that is taken by another owner.
mod occupied;
// Several keys for one tenant: one slot, one owner at a time.
mod siblings;
// The `ALMTenant` is changed, deleted, or duplicated.
mod tenants;
// Writes whose answer is lost, late or a refusal.
mod writes;
