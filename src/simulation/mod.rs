//! A deterministic simulation of the operator, of SAP's side, and of everything that can go wrong between them.
//!
//! A *history* is a list of [`step::Step`]s: users change objects, SAP BTP issues and revokes keys, servers fail, answers
//! get lost, clocks jump, processes crash, time passes. The simulation executes it in virtual time, in one thread.
//!
//! **Real** is the controller: loading, deciding, executing, status and finalizers, siblings, triggers and backoff, for
//! keys and tenants. **Simulated** are two clusters with their API servers and watches, the SAP BTP service operator, the
//! token endpoint, Landscape Management, and all clocks. The controller meets them through its own ports. HTTP, kube's
//! client, leader election and rate limits of the queue are not part of it: the integration tests cover them.
//!
//! **Interleaving.** Each call through a port is a future that is pending once ([`state::cut_point`]), before and after it
//! takes effect where it writes. The operator polls one reconciliation at a time, so that another step, a crash or another
//! reconciliation can come between any two calls.
//!
//! **Generation.** [`generator`] draws a history from a seed, from a small palette of steps so that rare events meet.
//! The seed also names the jitter: the same seed gives the same history and the same course on each machine.
//!
//! **Checking.** [`checker::safety`] checks every read, status write, slot write and release against the truth, at the
//! time that it happens: no foreign or unproven key is uploaded, no wanted key is deleted, no object goes while its key is
//! in the slot. [`checker::liveness`] checks, when all faults have ended and hours have passed, that each slot and status
//! is what it has to be, that nothing is written any more, and that failing objects make few calls. A panic of the
//! controller counts as a violation.
//!
//! **Shrinking.** Each step is possible at any time, so each part of a history is a history too. [`shrink`] leaves steps
//! out as long as an invariant is still violated, and reports what remains with its trace. Such a history goes into
//! [`regressions`].
//!
//! `cargo test --lib simulation` runs 2,000 histories. `ALMKEY_HISTORIES=1 ALMKEY_SEED=42` repeats the one of seed 42;
//! `hack/histories [COUNT] [FIRST SEED]` runs many with optimisation.
//!
//! | Files | Content |
//! |---|---|
//! | `histories`, `regressions`, `tenant_finalizer` | the tests |
//! | `step`, `generator`, `history`, `shrink`, `panics` | the vocabulary of histories; drawing, running and shrinking them |
//! | `actions`, `tamper`, `faults` | the effects of steps on the state |
//! | `state`, `reconciliation` | the whole state; the checker's record of each reconciliation |
//! | `model/` | `cluster` and its `api_server`, `binding` and its `service_operator`, `sap` and its `remote` port |
//! | `operator`, `process` | watches and schedule of one operator; its process, in which the real code runs |
//! | `checker/` | `safety`, `liveness` |

mod actions;
mod checker;
mod faults;
mod generator;
mod histories;
mod history;
mod model;
mod operator;
mod panics;
mod process;
mod reconciliation;
mod regressions;
mod shrink;
mod state;
mod step;
mod tamper;
mod tenant_finalizer;
