//! Attacks by a user who may write objects, Secrets or bindings in a namespace, who controls a DNS name, or who answers a
//! connection. `docs/security.md` must link to every test here.

// False confirmations in manual mode.
mod confirmations;
// Token URLs and endpoints that lead elsewhere.
mod hosts;
// Forged status fields, annotations and finalizers.
mod ledger;
// Text that forges log lines or terminal output.
mod logs;
// Status and Events as an oracle for Secrets, rules or the slot.
mod oracle;
// Floods of requests, which are throttled.
mod quota;
