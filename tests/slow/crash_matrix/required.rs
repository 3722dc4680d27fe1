//! Requests that every life makes, so that no change of the proxy, of its names or of the operator makes points vanish
//! unnoticed.

use testkit::crash::Lifecycle;

/// Returns the kinds of requests, with the number of each that must make points.
pub fn requests(life: Lifecycle) -> &'static [(&'static str, usize)] {
    match life {
        Lifecycle::Uploaded => &UPLOADED,
        Lifecycle::Adopted => &ADOPTED,
        Lifecycle::Manual => &MANUAL,
    }
}

/// Requests of the life of an uploaded key.
const UPLOADED: [(&str, usize); 29] = [
    // The start of a process.
    ("GET namespaces/*", 1),
    ("LIST almservicekeys", 1),
    ("WATCH almservicekeys", 1),
    ("LIST almtenants", 2),
    ("WATCH almtenants", 2),
    ("LIST servicebindings", 1),
    ("WATCH servicebindings", 1),
    ("LIST secrets", 1),
    ("WATCH secrets", 1),
    ("LIST secrets of the operator", 1),
    ("WATCH secrets of the operator", 1),
    ("LIST configmaps of the operator", 1),
    ("WATCH configmaps of the operator", 1),
    // Reads of reconciliations.
    ("GET almservicekeys/*", 3),
    ("GET almtenants/*", 4),
    ("GET servicebindings/*", 2),
    ("GET secrets/*", 2),
    ("GET secrets/* of the operator", 1),
    // Is the object deleted together with its kind?
    ("GET customresourcedefinitions/*", 1),
    // The finalizers, added and removed.
    ("PATCH almservicekeys/*", 2),
    ("PATCH almtenants/*", 2),
    // A first verdict; the pending write and its outcome, of an upload and of a rotation; the pending deletion.
    ("PATCH almservicekeys/*/status", 6),
    // The tenant is connected. Later states may be over before they are seen.
    ("PATCH almtenants/*/status", 1),
    ("POST events", 1),
    ("POST landscape/oauth/token", 1),
    ("POST authentication/oauth/token", 2),
    ("GET landscape/v1/service-key", 4),
    ("PUT landscape/v1/service-key", 2),
    ("DELETE landscape/v1/service-key", 1),
];

/// Requests of the life of an adopted key, of which only the writes make points.
const ADOPTED: [(&str, usize); 5] = [
    ("PATCH almservicekeys/*", 2),
    ("PATCH almtenants/*", 1),
    ("PATCH almservicekeys/*/status", 4),
    ("POST authentication/oauth/token", 2),
    // Adoption and release.
    ("PATCH landscape/v1/service-key", 2),
];

/// Requests of the life of a key in manual mode, of which only the writes to our own kinds make points.
const MANUAL: [(&str, usize); 4] = [
    ("PATCH almservicekeys/*", 2),
    ("PATCH almtenants/*", 2),
    // The requests to upload and to replace, and their confirmations.
    ("PATCH almservicekeys/*/status", 6),
    // The record, the confirmations of upload and replacement, the removal and its confirmation. Verdicts on the tenant may
    // be over before they are written.
    ("PATCH almtenants/*/status", 6),
];
