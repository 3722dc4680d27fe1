//! What is promised to those who use the operator, and which tests prove it.

pub mod comments;
pub mod page;
pub mod promises;
