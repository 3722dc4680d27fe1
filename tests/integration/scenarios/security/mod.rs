//! Threats, rights and leaks. `docs/security.md` lists the threats with their tests; a test about a new one goes here.

// The optional policy of `deploy/admission`: a user may only name a source that they may read.
mod admission_policy;
// Attempts to steal a key, to have one deleted, or to exhaust a quota.
mod attackers;
// The search for leaked secrets: it looks everywhere, and finds what is planted.
mod canary;
// Guards around a valid key: scopes, endpoints, certificates, redirects.
mod key_guards;
// An operator that serves single namespaces, with rights on sources in these only.
mod namespaced;
// The rules of a key, and namespaces that the tenant does not admit.
mod refusal;
// The operator's own rights: needed, sufficient, and taken away at run time.
mod rights;
// The roles for users of our kinds.
mod user_roles;
