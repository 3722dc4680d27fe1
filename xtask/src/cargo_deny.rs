//! cargo-deny, the checker of dependencies.

use crate::tool::Tool;

/// The pinned version.
pub const TOOL: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
