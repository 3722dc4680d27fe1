//! The executor: asks the plan for a step, performs it and adds its answer to the facts, until the plan settles.

pub mod execute;
pub mod ports;

#[cfg(test)]
mod tests;
