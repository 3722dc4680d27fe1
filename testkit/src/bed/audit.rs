//! Settings by which a run of the suite gathers audit logs, and serves single namespaces (see `docs/rights.md`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use almkey_simulator::files::write_atomically;

/// Environment variable with a folder. Each API server writes its audit log below it, in a folder of its own that also
/// holds the name of the test.
pub const GATHER: &str = "ALMKEY_AUDIT";
/// Environment variable with a file of namespaces by test, written by `cargo xtask audit` after a run that served
/// all namespaces. Each test bed serves the namespaces that its test created in that run.
pub const NAMESPACES: &str = "ALMKEY_NAMESPACES_OF";

/// Returns the path of a test's audit log, if the logs are gathered.
pub(super) fn log(test: &str) -> Option<PathBuf> {
    let all = PathBuf::from(std::env::var_os(GATHER)?);
    std::fs::create_dir_all(&all).expect("the folder can be created");
    let folder = tempfile::Builder::new().prefix("bed-").tempdir_in(all).expect("a folder").keep();
    write_atomically(&folder.join("test"), test).expect("the name of the test can be written");
    Some(folder.join("audit.log"))
}

/// Returns the namespaces that a test's bed serves; none means all.
pub(super) fn namespaces(test: &str) -> Vec<String> {
    let Some(file) = std::env::var_os(NAMESPACES) else { return Vec::new() };
    let json = std::fs::read_to_string(Path::new(&file)).expect("the file of namespaces");
    let mut all: BTreeMap<String, Vec<String>> = serde_json::from_str(&json).expect("namespaces by test");
    let mut namespaces = all.remove(test).unwrap_or_else(|| panic!("{test} did not run while all were served"));
    // A test without keys created none, and an empty list would mean all.
    if namespaces.is_empty() {
        namespaces.push("default".into());
    }
    namespaces
}

/// Returns the name of the test that runs on this thread.
pub(super) fn test() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}
