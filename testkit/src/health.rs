//! The verdicts of kstatus, Argo CD and Flux on the health of objects, by our own Go program in `go/health`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::control_plane::{Error, GoModule, Program};

const MODULE: GoModule = GoModule {
    name: "health",
    programs: &[Program { name: "gitops-health", package: "." }],
    ldflags: "-s -w",
    tags: "",
    duration: "1 to 2 minutes",
};

/// The verdict of one tool on an object.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Verdict {
    /// Status, in the words of the tool.
    pub status: String,
    /// Message; empty if the tool gives none.
    #[serde(default)]
    pub message: String,
}

/// An action that Argo CD offers on an object.
#[derive(Clone, Debug, Deserialize)]
pub struct Action {
    /// The action cannot be chosen at present.
    pub disabled: bool,
    /// The object as the action changes it.
    pub object: Value,
}

/// The verdicts of all tools on an object.
#[derive(Clone, Debug, Deserialize)]
pub struct Verdicts {
    /// Verdict of kstatus.
    pub kstatus: Verdict,
    /// Verdict of the health script for Argo CD.
    pub argocd: Verdict,
    /// Verdict of the `healthCheckExprs` for Flux.
    pub flux: Verdict,
    /// The actions for Argo CD, by name.
    pub actions: BTreeMap<String, Action>,
}

/// Builds the program if it is missing, and returns the verdicts on each object, by the scripts in the folder `argocd` and the
/// expressions in the file `flux`.
///
/// # Errors
/// The program could not be built.
///
/// # Panics
/// The program fails, for example because a script does.
pub fn assess(objects: &[Value], argocd: &Path, flux: &Path) -> Result<Vec<Verdicts>, Error> {
    let program = MODULE.program("gitops-health")?;
    let mut command = Command::new(program);
    command.arg("--argocd").arg(argocd).arg("--flux").arg(flux).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program can be started");
    let mut input = child.stdin.take().expect("its standard input");
    let lines: Vec<String> = objects.iter().map(Value::to_string).collect();
    // A program that ends early says why.
    let writer = std::thread::spawn(move || drop(input.write_all(lines.join("\n").as_bytes())));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the objects are written");
    assert!(output.status.success(), "the health of the objects could not be assessed: see above");
    let verdicts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Verdicts>();
    let verdicts: Vec<_> = verdicts.map(|verdicts| verdicts.expect("verdicts")).collect();
    assert_eq!(verdicts.len(), objects.len());
    Ok(verdicts)
}
