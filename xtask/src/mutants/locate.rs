//! The place of a test, by its path.

use std::collections::BTreeSet;

use xtask::proofs::comments;

const INTEGRATION: &str = "tests/integration/";
const SIMULATOR: &str = "simulator/src/";

/// The programs that must be built and run for a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An integration test that starts programs: only these are built from the broken code.
    Programs,
    /// An integration test that calls the broken code itself.
    Integration,
    /// A unit test of this package.
    Unit(&'static str),
}

/// All tests of the work tree, with their files.
pub struct Tests(BTreeSet<(String, String)>);

impl Tests {
    /// Reads the sources.
    pub fn read() -> Self {
        Self(comments::tests())
    }

    /// Returns the place of a test, such as `scenarios::slot::a_key_is_uploaded`; none if there is no such test.
    pub fn place(&self, path: &str) -> Option<Place> {
        let (modules, name) = path.rsplit_once("::")?;
        let is_in = |file: &str| {
            let module = module(file);
            // What a file's module does not account for is a module inside the file.
            modules.strip_prefix(&module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let (file, _) = self.0.iter().find(|(file, test)| test == name && is_in(file))?;
        Some(match file.strip_prefix(INTEGRATION) {
            Some(below) if below.starts_with("scenarios/") || below.starts_with("commands") => Place::Programs,
            Some(_) => Place::Integration,
            None if file.starts_with(SIMULATOR) => Place::Unit("almkey-simulator"),
            None => Place::Unit("alm-key-operator"),
        })
    }
}

/// Returns the path of the module that a file holds.
fn module(file: &str) -> String {
    let below = [INTEGRATION, SIMULATOR, "src/"].iter().find_map(|root| file.strip_prefix(root)).unwrap_or(file);
    let path = below.trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_found_by_its_path_and_only_by_that() {
        let entry = |file: &str| (file.to_owned(), "a_test".to_owned());
        let tests = Tests(BTreeSet::from([
            entry("src/process/guard.rs"),
            entry("src/domain/plan/tests/mod.rs"),
            entry("simulator/src/journal.rs"),
            entry("tests/integration/scenarios/slot.rs"),
            entry("tests/integration/answers.rs"),
        ]));

        for (path, place) in [
            ("process::guard::tests::a_test", Some(Place::Unit("alm-key-operator"))),
            ("domain::plan::tests::a_test", Some(Place::Unit("alm-key-operator"))),
            ("journal::tests::a_test", Some(Place::Unit("almkey-simulator"))),
            ("scenarios::slot::a_test", Some(Place::Programs)),
            ("answers::a_test", Some(Place::Integration)),
            ("scenarios::slots::a_test", None),
            ("scenarios::slot::another_test", None),
            ("a_test", None),
        ] {
            assert_eq!(tests.place(path), place, "{path}");
        }
    }
}
