//! Attackers: what somebody tries who may write objects, Secrets or bindings in a namespace, answers for a name in DNS,
//! or stands at the other end of a connection. `docs/security.md` lists what they try, and which test sees them fail.

mod hosts;
mod ledger;
mod logs;
mod oracle;
mod quota;
