//! The commit that a release is built from.

use std::process::Command;

use jiff::Timestamp;
use xtask::image::description::Source;
use xtask::workspace::root;

use crate::error::Error;
use crate::process;

/// Returns the commit of the work tree, and its time. `SOURCE_DATE_EPOCH` sets another time, as everywhere
/// (reproducible-builds.org).
pub fn source() -> Result<Source, Error> {
    let revision = git(&["describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"])?;
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds,
        Err(_) => git(&["log", "-1", "--format=%ct"])?,
    };
    let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let created = time.ok_or_else(|| {
        Error::Finding(format!("SOURCE_DATE_EPOCH is {seconds:?}, and must be a number of seconds since 1970"))
    })?;
    Ok(Source { revision, created })
}

fn git(arguments: &[&str]) -> Result<String, Error> {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(root());
    process::read(&mut git, "reading the commit").map(|output| output.trim().to_owned())
}
