//! What `hack/audit` asks of worlds: that their audit logs are gathered, and that they serve single namespaces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use almkey_simulator::files::write_atomically;

/// Names a folder: below it each API server writes its audit log, in a folder of its own that tells the test.
const GATHER: &str = "ALMKEY_AUDIT";
/// Names a file, as `rights namespaces` writes it: each world serves the namespaces that its test made in an earlier run,
/// where all were served.
const NAMESPACES: &str = "ALMKEY_NAMESPACES_OF";

/// Where the audit log of a test's world goes, if the logs are gathered.
pub(super) fn log(test: &str) -> Option<PathBuf> {
    let all = PathBuf::from(std::env::var_os(GATHER)?);
    std::fs::create_dir_all(&all).expect("the folder can be made");
    let folder = tempfile::Builder::new().prefix("bed-").tempdir_in(all).expect("a folder").keep();
    write_atomically(&folder.join("test"), test).expect("it can be written");
    Some(folder.join("audit.log"))
}

/// The namespaces that a test's world is to serve, unless it serves all.
pub(super) fn namespaces(test: &str) -> Vec<String> {
    let Some(file) = std::env::var_os(NAMESPACES) else { return Vec::new() };
    let written = std::fs::read_to_string(Path::new(&file)).expect("the file of namespaces");
    let mut all: BTreeMap<String, Vec<String>> = serde_json::from_str(&written).expect("namespaces by test");
    let mut namespaces = all.remove(test).unwrap_or_else(|| panic!("{test} did not run while all were served"));
    // A test without keys; none would mean all.
    if namespaces.is_empty() {
        namespaces.push("default".into());
    }
    namespaces
}

/// The test that runs on this thread.
pub(super) fn test() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}
