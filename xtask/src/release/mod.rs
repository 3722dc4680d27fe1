//! Release binaries, for this machine and others: static for Linux, and the same each time they are built.

mod binary;
mod source;
mod zigbuild;

pub use self::binary::{build, path};
pub use self::source::source;
pub use self::zigbuild::Zigbuild;
