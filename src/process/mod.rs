//! What a process needs beside its work.

pub mod logging;
pub mod shutdown;
