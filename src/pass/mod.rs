//! One pass over one object: plan, perform the step, learn its answer, until the plan settles.

pub mod ports;
pub mod run;

#[cfg(test)]
mod tests;
