//! The pages for readers, and the commands on them, which tests run as a reader would.
//!
//! A test names the commands by page and heading: `documented::all("docs/upgrading.md#uninstall")`, or one of them by a text
//! that it contains: `documented::one("README.md#installation", "samples")`. Both arguments are literals, so that
//! `cargo xtask documented` finds, without running anything, which test runs which command.

mod command;
mod markdown;
mod page;
mod running;
mod shell;

pub use command::{Command, all, must_run_together, one};
pub use markdown::{Heading, Link, Markdown, Typed};
pub use page::{Page, pages};
pub use running::Running;
pub use shell::Shell;
