//! `make demo`: a key's whole life on a real API server, with nothing to prepare.
//!
//! Control plane, simulator and operator are real processes. Only SAP is simulated.

pub mod life;
mod manual;
pub mod samples;
pub mod session;

use std::process::ExitCode;

use testkit::control_plane::ControlPlane;
use xtask::workspace::program;

use self::session::Session;
use crate::build;
use crate::console::say;
use crate::error::{Error, INTERRUPTED};
use crate::interrupt::interrupted;

/// Says what is about to happen and how long it takes, and builds what is missing.
pub fn prepare() -> Result<(), Error> {
    say(opening(program("almkey").is_file(), ControlPlane::is_built()));
    say("\n[1/3] Compile the operator and the simulator of SAP");
    build::programs()?;
    say("[2/3] Build the Kubernetes control plane, unless it is cached");
    build::control_plane()?;
    say("[3/3] Start everything, and follow a key");
    Ok(())
}

/// Builds what is missing.
pub fn build() -> Result<(), Error> {
    build::programs()?;
    build::control_plane()
}

fn opening(is_compiled: bool, has_control_plane: bool) -> String {
    let mut times = Vec::new();
    if !is_compiled {
        times.push("The operator and the simulator are compiled: about a minute, once.");
    }
    if !has_control_plane {
        times.push("A Kubernetes control plane is built from source: 8 to 11 minutes on two cores, once.");
    }
    times.push("The demo itself takes about a minute.");
    format!(
        "This demo follows a service key for SAP Cloud ALM through its life: it is uploaded, rotated, deleted together \
         with its binding, and deleted when its credentials die. Then it does so once more with a person in between, as \
         SAP's app of today needs one.\n\
         Kubernetes (etcd, kube-apiserver) and the operator are real, and run as processes of this machine until the \
         demo ends. SAP is simulated.\n\n{}",
        times.join("\n")
    )
}

/// Shows the demo. With `keep`, everything stays up until Ctrl-C.
pub async fn run(keep: bool) -> ExitCode {
    let session = tokio::select! {
        session = show() => session,
        // All that was started ends with this process.
        () = interrupted() => return ExitCode::from(INTERRUPTED),
    };
    session.summary();
    if keep {
        session.how_to_play();
        interrupted().await;
    } else {
        Session::next_steps();
    }
    ExitCode::SUCCESS
}

async fn show() -> Session {
    let session = Session::start().await;
    life::follow_binding(&session).await;
    life::lose_credentials(&session).await;
    life::check_writes(&session).await;
    manual::ask_a_person(&session).await;
    session
}

#[cfg(test)]
mod tests {
    use super::opening;

    #[test]
    fn the_opening_names_only_the_waits_that_are_ahead() {
        assert!(opening(true, true).ends_with("\n\nThe demo itself takes about a minute."));
        assert!(opening(true, false).contains("8 to 11 minutes"));
        assert!(opening(false, true).contains("compiled: about a minute"));
    }
}
