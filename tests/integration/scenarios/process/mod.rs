//! The operator as a process in a cluster. A test about a flag, a probe, a metric, a log line or a replica goes here.

// Log lines, and the documentation of flags.
mod admin;
// The way to the API server: proxies, and failed starts.
mod connection;
// The operator's own kinds are not defined.
mod definitions;
// The way to token endpoints and Landscape Management through a proxy.
mod egress;
// Flags that change what the operator owns or where it reads credentials.
mod flags;
// The manifests below `deploy/`, and the credentials of Landscape Management.
mod install;
// The version of Kubernetes that the scenarios run on.
mod kubernetes;
// Leader election and hand-over between two replicas.
mod leadership;
// Probes and metrics.
mod metrics;
