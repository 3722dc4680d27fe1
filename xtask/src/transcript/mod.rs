//! `cargo xtask transcript`: what each command for a person prints, on the cluster of the demo.
//!
//! The cluster has a tenant whose slot the operator writes (namespace `team-a`) and one in manual mode (`team-b`). The commands
//! run as the cluster admin, as a user with rights on `team-a` alone, and as a user with none. Each exit code is checked, and no
//! output but a downloaded file may hold key material.
//!
//! `--install` shows a life from `helm install` to `helm uninstall` instead, with the operator run as the chart says.

mod automatic;
mod installation;
mod manual;
mod scene;
mod shell;
mod users;

use std::process::ExitCode;

use crate::build;
use crate::demo::{self, session::Session};
use crate::error::Error;
use crate::interrupt::until_interrupted;

/// Builds what is missing.
pub fn prepare(install: bool) -> Result<(), Error> {
    demo::build()?;
    if install { build::helm() } else { Ok(()) }
}

/// Runs every command, and prints it with its output and exit code.
pub async fn run(install: bool) -> ExitCode {
    let show = async {
        if install {
            installation::show().await;
        } else {
            show().await;
        }
        ExitCode::SUCCESS
    };
    until_interrupted(show).await
}

async fn show() {
    let session = Session::start().await;
    scene::prepare(&session).await;
    users::show(&session).await;
    automatic::show(&session).await;
    manual::show(&session).await;
    session.bed.expect_no_key_material();
}
