//! One pass over one object: plan, perform the step, learn its answer, until the plan settles.

pub mod execute;
pub mod ports;

#[cfg(test)]
mod tests;
