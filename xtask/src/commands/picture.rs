//! `cargo xtask picture`: the picture of the demo in the README, drawn from what the demo prints.

use std::process::Command;

use anstyle_svg::Term;
use xtask::workspace::{program, root};

use crate::console::say;
use crate::demo;
use crate::error::Error;
use crate::process;

/// The picture, from the root of the repository.
const PICTURE: &str = "docs/demo.svg";
/// The headlines between which the picture shows the demo.
const FIRST: &str = "=== Part one";
const NEXT: &str = "=== Part two";

/// Runs the demo, and draws its first part.
pub fn run() -> Result<(), Error> {
    demo::build()?;
    let printed = process::read(Command::new(program("xtask")).arg("demo"), "running the demo")?;
    let part = printed.split(FIRST).nth(1).and_then(|rest| rest.split(NEXT).next());
    let part = part.ok_or_else(|| Error::Finding(format!("the demo prints no {FIRST:?} before {NEXT:?}")))?;
    let text = format!("$ make demo\n{FIRST}{part}");
    let picture = root().join(PICTURE);
    std::fs::write(&picture, Term::new().render_svg(text.trim_end())).map_err(Error::file(&picture))?;
    say(format!("drawn: {PICTURE}"));
    Ok(())
}
