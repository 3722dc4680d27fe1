//! `cargo xtask fuzz`: runs each target of `fuzz/` for some seconds, two at a time.
//!
//! The targets are built with the pinned toolchain, and so without a sanitizer, which only nightly has. Coverage guides the
//! inputs nevertheless, and panics are found: our own code has no `unsafe`. New inputs are kept in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use xtask::workspace::{cache, root, target};

use crate::cargo::compiling;
use crate::console::{complain, say};
use crate::error::Error;
use crate::process;

const AT_A_TIME: usize = 2;
/// The flags that cargo-fuzz passes, too. Cargo is given a `--target`, so that they do not reach build scripts.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// The last lines of libFuzzer that are printed when a target fails.
const LAST_LINES: usize = 40;

/// Runs each target for so many seconds.
pub fn run(seconds: u64) -> Result<(), Error> {
    let started = Instant::now();
    process::require("c++", "fuzzing needs a C++ compiler, as libFuzzer is written in C++")?;
    let names = names()?;
    let fuzzer = Fuzzer::build(seconds)?;
    say(format!("fuzz: {} targets, {seconds} s each, {AT_A_TIME} at a time", names.len()));
    let waiting = Mutex::new(names.iter().rev().collect::<Vec<_>>());
    let next = || waiting.lock().ok()?.pop();
    let worker = || {
        let mut runs = Vec::new();
        while let Some(name) = next() {
            runs.push((name, fuzzer.fuzz(name)));
        }
        runs
    };
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    let mut total = 0;
    let mut failed = Vec::new();
    for (name, result) in &results {
        match result {
            Ok(runs) => total += runs,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                complain(error.to_string());
                failed.push(name.as_str());
            }
        }
    }
    if !failed.is_empty() || results.len() < names.len() {
        return Err(Error::Finding(format!(
            "fuzz: failed: {}: mend it, and keep the input in fuzz/seeds, which make test runs",
            failed.join(" ")
        )));
    }
    let millions = format!("{}.{}", total / 1_000_000, total / 100_000 % 10);
    say(format!(
        "fuzz: {} targets, {seconds} s each, {millions} million runs, no failure, in {} s",
        names.len(),
        started.elapsed().as_secs()
    ));
    Ok(())
}

/// Returns the names of all targets.
fn names() -> Result<Vec<String>, Error> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
        let path = entry.map_err(Error::file(&folder))?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    if names.is_empty() { Err(Error::Finding("fuzz: there is no target".into())) } else { Ok(names) }
}

/// The built targets, and the folders that they work in.
struct Fuzzer {
    programs: PathBuf,
    corpus: PathBuf,
    artifacts: PathBuf,
    seconds: u64,
}

impl Fuzzer {
    fn build(seconds: u64) -> Result<Self, Error> {
        let host = host()?;
        let target = target().join("fuzz");
        say("fuzz: compiling the targets (the first time some minutes)");
        let mut build = compiling("build");
        build.args(["--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host, "--target-dir"]);
        process::run(build.arg(&target).env("RUSTFLAGS", COVERAGE), "compiling the targets")?;
        let Some(cache) = cache() else {
            return Err(Error::Finding("neither ALMKEY_CACHE nor HOME is set: inputs are kept below it".into()));
        };
        let (programs, corpus) = (target.join(host).join("release"), cache.join("fuzz"));
        Ok(Self { programs, corpus, artifacts: root().join("fuzz/artifacts"), seconds })
    }

    /// Runs one target, and returns how many inputs it was given. What it finds stays in `fuzz/artifacts`.
    fn fuzz(&self, name: &str) -> Result<u64, Error> {
        let (corpus, artifacts) = (self.corpus.join(name), self.artifacts.join(name));
        for folder in [&corpus, &artifacts] {
            std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let program = self.programs.join(name);
        let mut command = Command::new(&program);
        command.current_dir(root()).arg(format!("-max_total_time={}", self.seconds)).args([
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            "-verbosity=1",
        ]);
        let dictionary = root().join("fuzz/dictionaries").join(name);
        if dictionary.is_file() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.arg(&corpus).arg(root().join("fuzz/seeds").join(name));
        let finished = process::finish(&mut command)?;
        let output = finished.output;
        if !finished.status.success() {
            let lines: Vec<_> = output.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            let input = value(&output, "Test unit written to ").unwrap_or_default();
            return Err(Error::Finding(format!(
                "{last}\nfuzz: {name} failed. Run it again: {} {input}",
                program.display()
            )));
        }
        let runs = value(&output, "stat::number_of_executed_units:").and_then(|count| count.parse().ok()).unwrap_or(0);
        if runs == 0 {
            return Err(Error::Finding(format!("fuzz: {name} did not run once")));
        }
        say(format!(
            "fuzz: {name:<14} {:>11} runs, no failure; {} inputs in the corpus",
            grouped(runs),
            files(&corpus)?
        ));
        Ok(runs)
    }
}

/// Returns the platform that this toolchain compiles for.
fn host() -> Result<String, Error> {
    let version = process::read(Command::new("rustc").arg("-vV").current_dir(root()), "asking rustc for its version")?;
    value(&version, "host: ").map(str::to_owned).ok_or_else(|| Error::Finding("`rustc -vV` names no host".into()))
}

/// Returns what follows `name` in the last line that contains it.
fn value<'a>(output: &'a str, name: &str) -> Option<&'a str> {
    output.lines().rev().find_map(|line| line.split_once(name)).map(|(_, value)| value.trim())
}

/// Returns a number with a comma after each group of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn files(folder: &Path) -> Result<usize, Error> {
    std::fs::read_dir(folder).map(Iterator::count).map_err(Error::file(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_libfuzzer_are_read() {
        let output = "Done 42 runs in 1 second(s)\nstat::number_of_executed_units: 1234567\nstat::new_units_added: 3\n";
        assert_eq!(value(output, "stat::number_of_executed_units:"), Some("1234567"));
        assert_eq!(value(output, "Test unit written to "), None);
    }

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
