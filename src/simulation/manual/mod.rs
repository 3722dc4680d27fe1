//! Manual mode: people change the slots, and the operator knows only what they confirm.
//!
//! | Files | Content |
//! |---|---|
//! | `people` | what a person reads, does in the app and confirms |
//! | `generator` | histories in manual mode |
//! | `request_log` | the truth about requests: who asked for what, and what people have said |
//! | `records`, `requests`, `release` | the invariants of each change of a record, of each write to a status, and of a release |
//! | `liveness` | the state that must be reached once people follow the steps |

pub(crate) mod generator;
pub(crate) mod liveness;
pub(crate) mod people;
pub(crate) mod records;
pub(crate) mod release;
pub(crate) mod request_log;
pub(crate) mod requests;
