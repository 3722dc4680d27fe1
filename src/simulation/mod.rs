//! A deterministic simulation of the operator, of SAP's side, and of everything that can go wrong between them.
//!
//! A *history* is a list of [`step::Step`]s: users change objects, SAP BTP issues and revokes keys, servers fail, answers
//! get lost, clocks jump, processes crash, time passes. The simulation executes it in virtual time, in one thread.
//!
//! **Real** is the controller: loading, deciding, executing, status and finalizers, siblings, triggers and backoff, for
//! keys and tenants. **Simulated** are two clusters with their API servers and watches, the SAP BTP service operator, the
//! token endpoint, Landscape Management, and all clocks. The controller meets them through its own ports. HTTP, kube's
//! client and leader election are not part of it: the integration tests cover them.
//!
//! **Manual mode.** In a quarter of the histories people change the slot: they read the steps that the operator asks for,
//! follow them or not, in time or late, and confirm. The operator does not see the slot, only what they say.
//!
//! **Interleaving.** Each call through a port has a cut point ([`state::cut_point`]) before it takes effect, and most have
//! another one before the answer arrives. There the future is pending once, so that another step, another reconciliation
//! or a crash can come between.
//!
//! **Generation.** [`generator`] draws a history from a seed, from a small palette of steps so that rare events meet.
//! The seed also names the jitter: the same seed gives the same history and the same course on each machine.
//!
//! **Checking.** [`checker::safety`] compares each status write, slot write, release and end of a reconciliation with the
//! truth: no unproven key is uploaded, no foreign or wanted key is lost, no object goes while its key is in the slot.
//! [`checker::liveness`] checks, when all faults have ended and hours have passed, that each slot and status is what it
//! has to be, that nothing is written any more, and that failing objects make few calls. A panic is a violation too.
//!
//! **Shrinking.** Each step is possible at any time, so each part of a history is a history too. [`shrink`] leaves steps
//! out as long as an invariant is still violated, and reports what remains with its trace. Such a history goes into
//! [`regressions`].
//!
//! `cargo test --lib simulation` runs 2,000 histories. `ALMKEY_HISTORIES=1 ALMKEY_SEED=42` repeats the one of seed 42, with
//! `ALMKEY_KIND=manual` the one in manual mode;
//! `cargo xtask histories [COUNT] [FIRST_SEED]` runs many with optimisation.
//!
//! | Files | Content |
//! |---|---|
//! | `histories`, `regressions`, `tenant_finalizer` | the tests |
//! | `step`, `generator`, `history`, `shrink`, `panics` | the steps of a history; drawing, running and shrinking it |
//! | `actions`, `tamper`, `faults` | the effects of steps on the state |
//! | `state`, `reconciliation` | the whole state; the checker's record of each reconciliation |
//! | `model/` | `cluster` (objects, versions, events), `binding` and its `service_operator`, `sap` (keys and slots) |
//! | `ports/` | `api_server` and `remote`: the controller's ports, for one reconciliation |
//! | `operator`, `process` | watches and schedule of one operator; its process, in which the real code runs |
//! | `checker/` | `safety`, `release`, `liveness` |
//! | `manual/` | manual mode: `people` and the `generator` of their deeds; `records`, `requests`, `release`, `liveness` |

mod actions;
mod checker;
mod faults;
mod generator;
mod histories;
mod history;
mod manual;
mod model;
mod operator;
mod panics;
mod ports;
mod process;
mod reconciliation;
mod regressions;
mod shrink;
mod state;
mod step;
mod tamper;
mod tenant_finalizer;
