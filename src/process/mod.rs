//! What a process needs beside its work.

pub mod leadership;
pub mod logging;
pub mod shutdown;
