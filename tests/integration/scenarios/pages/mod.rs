//! The commands of the pages for readers, run as a reader runs them. `cargo xtask documented` lists which test runs which.

// Manual mode: the commands of the platform team while a person changes the key in the app.
mod manual;
// From the samples to an uploaded key: installation, checks, what the operator does, roles for users.
mod samples;
