//! What a life cannot do without, so that no change of the gate, of its names or of the operator makes points vanish
//! unseen.

use testkit::crash::Lifecycle;

/// Kinds of requests, with how many of each make points.
pub fn of(life: Lifecycle) -> &'static [(&'static str, usize)] {
    match life {
        Lifecycle::Uploaded => &UPLOADED,
        Lifecycle::Adopted => &ADOPTED,
    }
}

const UPLOADED: [(&str, usize); 27] = [
    // What a process begins with.
    ("GET namespaces/*", 1),
    ("LIST almservicekeys", 1),
    ("WATCH almservicekeys", 1),
    ("LIST almtenants", 2),
    ("WATCH almtenants", 2),
    ("LIST servicebindings", 1),
    ("WATCH servicebindings", 1),
    ("LIST secrets", 1),
    ("WATCH secrets", 1),
    ("LIST secrets of the operator", 2),
    ("WATCH secrets of the operator", 2),
    // What passes read.
    ("GET almservicekeys/*", 3),
    ("GET almtenants/*", 4),
    ("GET servicebindings/*", 2),
    ("GET secrets/*", 2),
    ("GET secrets/* of the operator", 1),
    // Whether the object goes with its kind.
    ("GET customresourcedefinitions/*", 1),
    // The finalizers, set and taken away.
    ("PATCH almservicekeys/*", 2),
    ("PATCH almtenants/*", 2),
    // A first verdict; what is pending and what became of it, of an upload and of a rotation; the deletion that is pending.
    ("PATCH almservicekeys/*/status", 6),
    // That it is connected. Later looks may come too late for what was there to be seen between.
    ("PATCH almtenants/*/status", 1),
    ("POST events", 1),
    ("POST landscape/oauth/token", 1),
    ("POST authentication/oauth/token", 2),
    ("GET landscape/v1/service-key", 4),
    ("PUT landscape/v1/service-key", 2),
    ("DELETE landscape/v1/service-key", 1),
];

/// Only the writes make points there.
const ADOPTED: [(&str, usize); 5] = [
    ("PATCH almservicekeys/*", 2),
    ("PATCH almtenants/*", 1),
    ("PATCH almservicekeys/*/status", 4),
    ("POST authentication/oauth/token", 2),
    // Taken over, and given up.
    ("PATCH landscape/v1/service-key", 2),
];
