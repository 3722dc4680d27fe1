//! The program `almkey-simulator`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("no provider was installed before");
    almkey_simulator::run().await
}
