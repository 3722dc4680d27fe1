//! `cargo xtask`: the project's own commands.

mod bench;
mod build;
mod cargo;
mod cargo_deny;
mod commands;
mod console;
mod copy;
mod demo;
mod error;
mod group;
mod interrupt;
mod mutants;
mod optimised;
mod process;
mod release;
mod results;
mod tool;
mod transcript;
mod tutorial;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::error::{Error, INTERRUPTED};
use self::interrupt::interrupted;
use self::mutants::Catalogue;

/// Time that a command gets to delete its temporary folders after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check format, clippy, licences and sources of dependencies, generated files
    Lint,
    /// Compare the dependencies with known advisories, which are downloaded
    Advisories,
    /// Run the unit tests
    Unit {
        /// Run only tests whose names contain this
        filter: Option<String>,
    },
    /// Run every test but the slow ones, most of them on a real API server
    Test {
        /// Run only tests whose names contain this
        filter: Option<String>,
    },
    /// Run the scenarios on the oldest Kubernetes that is supported
    Oldest {
        /// Run only tests whose names contain this
        filter: Option<String>,
    },
    /// Run what is too long for `test`: the slow suites, oldest, audit, secret-scan and mutants
    Prove,
    /// Print the verdicts of kstatus, Argo CD and Flux on the health of real objects
    Verdicts,
    /// Fuzz all code that reads input from outside
    Fuzz {
        /// Seconds for each target
        #[arg(default_value_t = 60, env = "FUZZ_SECONDS")]
        seconds: u64,
    },
    /// Run random histories of the simulation
    Histories {
        /// The number of histories
        #[arg(default_value_t = 100_000)]
        count: u64,
        /// The seed of the first one
        #[arg(default_value_t = 1)]
        first_seed: u64,
    },
    /// Break the code in known ways, in copies of the tree, and check that the tests notice
    Mutants {
        /// Only the mutants of these names
        names: Vec<String>,
        /// Only those of one file in tests/mutants
        #[arg(long)]
        only: Option<Catalogue>,
    },
    /// Compare the rights that the operator uses with those that it has
    Audit {
        /// Run only tests whose names contain this: most rights are then reported as unused
        filter: Option<String>,
    },
    /// Search all that the integration tests leave behind for key material
    SecretScan {
        /// The folder in which a run has left its report
        folder: Option<PathBuf>,
    },
    /// Show a key's whole life on a real API server
    Demo {
        /// Stay up afterwards, to play with it
        #[arg(long)]
        keep: bool,
    },
    /// Start what docs/tutorial.md uses, and keep it up
    Tutorial,
    /// Print what each command for a person prints, as users with different rights, on the cluster of the demo
    Transcript {
        /// Print a life from `helm install` to `helm uninstall` instead
        #[arg(long)]
        install: bool,
    },
    /// Measure the release build, and write docs/benchmarks.md
    Bench {
        /// Only the benchmark of this name
        #[arg(long)]
        one: Option<String>,
    },
    /// Build the container image for both architectures, without a container engine
    Image {
        /// Build it a second time, in another folder, and compare the digests
        #[arg(long)]
        verify: bool,
    },
    /// Build archives of almkey for people, and their checksums
    Archives {
        /// A program that was built elsewhere, on a Mac for example
        #[arg(long = "program", value_name = "OS_ARCHITECTURE=FILE")]
        programs: Vec<String>,
        /// Write a krew manifest, with this address of the folder that will hold the archives
        #[arg(long)]
        base_url: Option<String>,
    },
    /// Build the control plane of the tests and the demo, if it is not cached yet
    ControlPlane,
    /// Build the pages of docs/ as a book with search
    Docs,
    /// List each documented command with the tests that run it
    Documented,
    /// Draw the picture of the demo in the README
    Picture,
    /// Write docs/proofs.md
    Proofs,
    /// Write all generated files: CRDs, contract, files of the chart and of Argo CD, pages of docs/
    Generate,
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo { keep } => match guarded(demo::prepare).await {
            Ok(()) => demo::run(keep).await,
            Err(code) => code,
        },
        Command::Transcript { install } => match guarded(move || transcript::prepare(install)).await {
            Ok(()) => transcript::run(install).await,
            Err(code) => code,
        },
        Command::Tutorial => match guarded(demo::build).await {
            Ok(()) => tutorial::run().await,
            Err(code) => code,
        },
        Command::Bench { one } => match guarded(|| demo::build().and_then(|()| bench::build())).await {
            Ok(()) => bench::run(one.as_deref()).await,
            Err(code) => code,
        },
        command => guarded(move || perform(command)).await.err().unwrap_or(ExitCode::SUCCESS),
    }
}

fn perform(command: Command) -> Result<(), Error> {
    match command {
        Command::Lint => commands::lint::run(),
        Command::Advisories => commands::advisories::run(),
        Command::Unit { filter } => commands::unit::run(filter.as_deref()),
        Command::Test { filter } => commands::test::run(filter.as_deref()),
        Command::Oldest { filter } => commands::oldest::run(filter.as_deref()),
        Command::Prove => commands::prove::run(),
        Command::Verdicts => commands::verdicts::run(),
        Command::Fuzz { seconds } => commands::fuzz::run(seconds),
        Command::Histories { count, first_seed } => commands::histories::run(count, first_seed),
        Command::Mutants { names, only } => mutants::run(&names, only),
        Command::Audit { filter } => commands::audit::run(filter.as_deref(), None),
        Command::SecretScan { folder } => commands::secret_scan::run(folder.as_deref()),
        Command::Demo { .. } => demo::prepare(),
        Command::Transcript { install } => transcript::prepare(install),
        Command::Archives { programs, base_url } => commands::archives::run(&programs, base_url.as_deref()),
        Command::Image { verify } => commands::image::run(verify),
        Command::Bench { .. } => demo::build().and_then(|()| bench::build()),
        Command::Tutorial => demo::build(),
        Command::Docs => commands::docs::run(),
        Command::Documented => commands::documented::run(),
        Command::Picture => commands::picture::run(),
        Command::ControlPlane => build::control_plane(),
        Command::Proofs => commands::generate::proofs(),
        Command::Generate => commands::generate::run(),
    }
}

/// Performs work on a thread of its own, so that a signal ends it at once, and with it all that it has started.
async fn guarded(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Result<(), ExitCode> {
    let (done, mut result) = oneshot::channel();
    // No receiver is left after a signal.
    std::thread::spawn(move || drop(done.send(work())));
    tokio::select! {
        result = &mut result => result
            .unwrap_or_else(|_| Err(Error::Finding("the command panicked: see above".into())))
            .map_err(|error| {
                console::complain(error.to_string());
                ExitCode::FAILURE
            }),
        () = interrupted() => {
            group::end_all();
            let _ = timeout(GRACE, result).await;
            Err(ExitCode::from(INTERRUPTED))
        }
    }
}
