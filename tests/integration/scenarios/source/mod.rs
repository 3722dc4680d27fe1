//! Sources of keys. A test about a Secret, a ServiceBinding or a layout goes here.

// ServiceBindings: rotation, deletion, ownership of the Secret.
mod binding;
// The ServiceBinding CRD is absent, installed later, or removed.
mod binding_crd;
// Every layout of a key in a Secret, and every defect that is refused before a call leaves the cluster.
mod layouts;
// The recording of the SAP BTP service operator, replayed as fast as the API server takes it.
mod recorded_replay;
// Plain Secrets: from a pasted key to the slot.
mod secret;
// The Secret that each documented tool writes, with its metadata.
mod tools;
