//! Every promise of the product (a field, a reason, a flag, a metric) has a test that declares `// proves:`.

use std::fs;

use xtask::proofs::comments::{self, Proof};
use xtask::proofs::{page, promises};

#[test]
fn each_promise_has_a_test_and_docs_proofs_is_up_to_date() {
    let written =
        page::written(&promises::all(), &comments::all()).unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
    let found = fs::read_to_string(page::path()).expect("docs/proofs.md");
    assert!(found == written, "docs/proofs.md is out of date: run make generate");
}

#[test]
fn a_promise_without_a_test_and_a_proof_of_no_promise_are_found() {
    let mut promises = promises::all();
    promises.insert(("flag", "--never-built".into()));
    let mut proofs = comments::all();
    let proof = |name: &str, is_test| Proof {
        kind: "reason".into(),
        name: name.into(),
        file: "tests/integration/x.rs".into(),
        test: "x".into(),
        is_test,
    };
    proofs.push(proof("NeverGiven", true));
    proofs.push(proof("Uploaded", false));

    let wrong = page::written(&promises, &proofs).expect_err("the page has three errors");

    assert_eq!(
        wrong,
        [
            "tests/integration/x.rs: x proves what is not promised: reason NeverGiven",
            "tests/integration/x.rs: x is no test, and so proves nothing: reason Uploaded",
            "no test proves: flag --never-built",
        ]
    );
}
