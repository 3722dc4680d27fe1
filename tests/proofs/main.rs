//! Writes `docs/proofs.md`.

mod comments;
mod page;
mod promises;

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "this is a command")]
fn main() -> ExitCode {
    match page::written(&promises::all(), &comments::all()) {
        Ok(text) => {
            std::fs::write(page::path(), text).expect("docs/ can be written");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("{}", wrong.join("\n"));
            ExitCode::FAILURE
        }
    }
}
