//! `cargo xtask bench`: measures the release build on a real API server, with the simulator as the remote side.
//!
//! Each benchmark starts processes of its own and returns rows. None fails because something is slow.

mod curves;
mod deletion;
mod load;
mod neighbours;
mod one;
mod plot;
mod process;
mod requests;
mod restart;
mod results;
mod row;
mod scene;
mod siblings;
mod soak;
mod thousand;
mod unrelated;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Instant;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use xtask::workspace::root;

use self::results::{Results, Run, line};
use self::row::Row;
use crate::cargo::compiling;
use crate::console::{complain, say};
use crate::error::Error;
use crate::interrupt::until_interrupted;
use crate::process as commands;

/// A benchmark.
struct Benchmark {
    name: &'static str,
    run: fn() -> LocalBoxFuture<'static, Vec<Row>>,
    /// True if the benchmark takes so long that it runs only by its name.
    is_long: bool,
}

const BENCHMARKS: [Benchmark; 9] = [
    Benchmark { name: "one", run: || one::run().boxed_local(), is_long: false },
    Benchmark { name: "thousand", run: || thousand::run().boxed_local(), is_long: false },
    Benchmark { name: "deletion", run: || deletion::run().boxed_local(), is_long: false },
    Benchmark { name: "siblings", run: || siblings::run().boxed_local(), is_long: false },
    Benchmark { name: "neighbours", run: || neighbours::run().boxed_local(), is_long: false },
    Benchmark { name: "handover", run: || restart::handovers().boxed_local(), is_long: false },
    Benchmark { name: "unrelated", run: || unrelated::run().boxed_local(), is_long: false },
    Benchmark { name: "curves", run: || curves::run().boxed_local(), is_long: true },
    Benchmark { name: "soak", run: || soak::run().boxed_local(), is_long: true },
];

/// Builds the programs that are measured.
pub fn build() -> Result<(), Error> {
    let mut release = compiling("build");
    release.args(["--release", "--package", "alm-key-operator", "--package", "almkey-simulator", "--bins"]);
    commands::run(&mut release, "compiling the release build")
}

/// Runs all benchmarks but the long ones, or one, until they end or Ctrl-C.
pub async fn run(one: Option<&str>) -> ExitCode {
    let measure = async {
        measure(one).await.map_or_else(
            |error| {
                complain(error.to_string());
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        )
    };
    until_interrupted(measure).await
}

/// Runs all benchmarks but the long ones, or one, and writes the results.
async fn measure(one: Option<&str>) -> Result<(), Error> {
    let is_chosen = |benchmark: &&Benchmark| one.map_or(!benchmark.is_long, |name| name == benchmark.name);
    let chosen: Vec<_> = BENCHMARKS.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
        return Err(Error::Finding(format!("there is no such benchmark: choose one of {}", names.join(", "))));
    }
    let (commit, machine) = (commit()?, machine()?);
    let mut results = Results::read()?;
    for Benchmark { name, run, .. } in chosen {
        say(format!("bench: {name}"));
        let started = Instant::now();
        let rows = run().await;
        for row in &rows {
            say(line(row).trim_end());
        }
        let duration = started.elapsed().as_secs();
        results.replace(name, Run { commit: commit.clone(), machine: machine.clone(), duration, rows });
        results.write()?;
    }
    Ok(())
}

/// Returns the commit of the work tree, marked if there are changes.
fn commit() -> Result<String, Error> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*", "--abbrev=9"]).current_dir(root());
    Ok(commands::read(&mut git, "asking git")?.trim().to_owned())
}

/// Returns the processor and the number of its cores.
fn machine() -> Result<String, Error> {
    let file = std::path::Path::new("/proc/cpuinfo");
    let text = fs::read_to_string(file).map_err(Error::file(file))?;
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Ok(format!("{cores} cores ({})", model.map_or("unknown", |(_, model)| model)))
}
