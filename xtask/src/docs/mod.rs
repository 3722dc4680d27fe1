//! The pages for readers: the generated ones, their links, and the tests that run their commands.

pub mod api;
pub mod book;
pub mod commands;
pub mod links;
pub mod reasons;
pub mod runs;
