//! The API from the user's point of view. A test about a field, a condition or `kubectl` goes here.

// Rules at admission: the API server refuses an invalid object, with the message that the user reads.
mod admission;
// Annotations that request a reconciliation or abandon a key.
mod annotations;
// CA certificates in a ConfigMap or Secret: awaited, checked, and followed.
mod ca_bundles;
// The published definitions: `kubectl explain`, columns, short names, defaults.
mod definitions;
// Server-side apply by GitOps tools: strict, without warnings, without drift.
mod gitops;
// The samples for Argo CD and Flux, the configuration of Argo CD, and the commands for a pipeline.
mod gitops_samples;
// The names in our kinds that kustomize keeps in step with the objects they refer to.
mod kustomize;
// Tenants that pass admission and still cannot work: the condition names the field.
mod misconfigured;
// The status of an `ALMServiceKey`, field by field.
mod status;
// The token endpoint of Landscape Management: its scope, its parameters, and the operator's credentials for it.
mod token_endpoint;
