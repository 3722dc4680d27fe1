//! Questions to the user before a step that cannot be undone.

use std::io::{self, IsTerminal};

use inquire::{Confirm, InquireError};

#[derive(clap::Args)]
pub(super) struct ConfirmFlags {
    /// Answer yes to all questions. Needed if standard input is no terminal.
    #[arg(long)]
    yes: bool,
}

/// A question could not be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// There is no user to ask.
    #[error("{0}: pass --yes to confirm that, because there is no terminal to ask at")]
    NoTerminal(String),
    /// The terminal failed.
    #[error("could not ask at the terminal")]
    Terminal(#[source] InquireError),
}

impl ConfirmFlags {
    /// Asks if a step may be taken, unless the answer was given beforehand. `step` is what would happen. Ctrl-C ends the
    /// program.
    pub(super) fn confirm(&self, step: &str, question: &str) -> Result<bool, Unanswered> {
        if self.yes {
            return Ok(true);
        }
        // The question is written to standard error, so that it is no part of the output.
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(Unanswered::NoTerminal(step.to_owned()));
        }
        match Confirm::new(question).with_default(false).prompt() {
            Ok(answer) => Ok(answer),
            Err(InquireError::OperationCanceled) => Ok(false),
            Err(error) => Err(Unanswered::Terminal(error)),
        }
    }
}
