//! `make demo`: a key's whole life on a real API server, with nothing to prepare.
//!
//! Control plane, simulator and operator are real processes; only SAP is played.

mod life;
mod samples;
mod stage;

use std::process::ExitCode;

use self::stage::Stage;

/// Plays the demo.
pub async fn run() -> ExitCode {
    let stage = tokio::select! {
        stage = play() => stage,
        // Whatever was started ends with this process.
        _ = tokio::signal::ctrl_c() => return ExitCode::from(130),
    };
    stage.curtain();
    if std::env::var_os("ALMKEY_DEMO_KEEP").is_some() {
        stage.how_to_play();
        let _ = tokio::signal::ctrl_c().await;
    } else {
        Stage::what_next();
    }
    ExitCode::SUCCESS
}

async fn play() -> Stage {
    let stage = Stage::build().await;
    life::act_one(&stage).await;
    life::act_two(&stage).await;
    life::check_the_journal(&stage).await;
    stage
}
