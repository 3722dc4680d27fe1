//! `almkey validate`, `almkey test` and `almkey crds`, as a user or a pipeline runs them.

use std::io::Write;
use std::process::{Output, Stdio};

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::ServiceKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use testkit::bed::cluster::package;
use testkit::bed::operator::program;
use testkit::bed::simulator::Simulator;
use testkit::secret_scan;

/// Returns a valid key. Every value that could be a secret contains the canary.
fn valid_key() -> Value {
    json!({
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": {
            "clientid": "sb-CANARY!b1234|sapcloudalm!b16907", "clientsecret": "CANARY+with/special=characters$",
            "url": "https://acme-calm.authentication.eu10.hana.ondemand.com", "identityzone": "acme-calm",
            "verificationkey": "CANARY", "credential-type": "instance-secret",
        },
    })
}

/// Runs `almkey` with this standard input. Fails if it prints key material.
fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = program("almkey")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("almkey can be started");
    // The command may exit without reading all of it.
    let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_ref());
    let output = child.wait_with_output().expect("almkey exits");
    let printed = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    secret_scan::scan_output(&format!("{arguments:?}"), &printed);
    output
}

fn exit_code(output: &Output) -> i32 {
    output.status.code().expect("no signal ended it")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON object")
}

#[test]
fn a_reader_that_wants_no_more_output_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = program("almkey").arg("crds").stdout(writer).stderr(Stdio::piped()).output().expect("almkey starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing is reported");
    assert_eq!(output.status.code(), Some(1), "not everything was printed");
}

// proves: command validate, flag --identity-zone
#[test]
fn validate_reports_a_valid_key_with_the_fingerprint_that_the_status_shows() {
    let output = run(&["validate", "--identity-zone", "acme-calm", "-"], valid_key().to_string());
    let rules = KeyRules {
        identity_zone: Some("acme-calm".into()),
        accepted_credential_types: vec!["instance-secret".into()],
        token_hosts: Some(HostList::sap_default("acme-calm")),
        endpoint_hosts: Some(HostList::sap_endpoints()),
        accepted_services: Some(Vec::new()),
    };
    let key = ServiceKey::parse(valid_key().to_string().as_bytes(), &rules).expect("valid");
    let fingerprint = key.fingerprint();

    assert_eq!(exit_code(&output), 0);
    assert_eq!(stdout(&output), format!("standard input: valid\n  fingerprint  {fingerprint}\n"));
}

#[test]
fn validate_reads_a_key_from_a_file_a_secret_manifest_or_standard_input() {
    let (key, folder) = (valid_key(), tempfile::tempdir().expect("a folder"));
    let encoded = STANDARD.encode(key.to_string());
    let by_field = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "calm" },
        "stringData": { "uaa": key["uaa"].to_string(), "endpoints": key["endpoints"].to_string(), "plan": "standard" },
    });
    let in_utf16 =
        |text: &str| "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let yaml = format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: calm\ndata:\n  key.txt: {encoded}\n");
    for (form, content) in [
        ("plain", key.to_string().into_bytes()),
        ("byte order mark", format!("\u{feff}{key}\r\n").into_bytes()),
        ("wrapped", json!({ "credentials": key }).to_string().into_bytes()),
        ("cf", format!("Getting key calm for service alm...\n\n{key:#}\n").into_bytes()),
        ("base64", encoded.clone().into_bytes()),
        ("yaml", yaml.clone().into_bytes()),
        ("json", by_field.to_string().into_bytes()),
        (
            "base64 twice",
            format!("apiVersion: v1\nkind: Secret\ndata:\n  key.txt: {}\n", STANDARD.encode(&encoded)).into_bytes(),
        ),
        ("plain in UTF-16", in_utf16(&key.to_string())),
        ("yaml in UTF-16", in_utf16(&yaml)),
        ("json in UTF-16", in_utf16(&by_field.to_string())),
    ] {
        let file = folder.path().join(form);
        std::fs::write(&file, &content).expect("the file is written");
        let file = file.display().to_string();
        assert_eq!(stdout(&run(&["validate", &file], "")).lines().next(), Some(format!("{file}: valid").as_str()));
        assert_eq!(exit_code(&run(&["validate", "-"], &content)), 0, "{form}");
    }
}

// proves: flag --identity-zone, flag --output
#[test]
fn validate_reports_all_defects_of_a_file_by_path_and_never_a_value() {
    let mut broken = valid_key();
    broken["uaa"]["identityzone"] = "CANARY".into();
    broken["uaa"]["clientid"] = json!(["CANARY"]);
    broken["uaa"]["credential-type"] = "CANARY".into();
    let three = ["$.uaa.identityzone", "$.uaa.clientid", "$.uaa.credential-type"];
    let arguments =
        ["validate", "--identity-zone", "acme-calm", "--allow-host", "*.authentication.eu10.hana.ondemand.com"];

    let output = run(&[&arguments[..], &["-"]].concat(), broken.to_string());
    assert_eq!(exit_code(&output), 1);
    let text = stdout(&output);
    assert!(text.starts_with("standard input: invalid, 3 findings\n"), "{text}");
    let places: Vec<_> = three.iter().map(|path| text.find(path).expect("each defect is reported")).collect();
    assert!(places.is_sorted(), "{text}");

    let output = run(&[&arguments[..], &["-o", "json", "-"]].concat(), broken.to_string());
    assert_eq!(exit_code(&output), 1);
    let report = report(&output);
    assert_eq!((&report["result"], &report["reason"]), (&json!("Invalid"), &json!("WrongTenant")));
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(findings.iter().map(|finding| finding["path"].as_str().expect("a path")).collect::<Vec<_>>(), three);
    for finding in findings {
        for field in ["reason", "found", "expected", "next"] {
            assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {finding}");
        }
    }
    assert_eq!(findings[2]["option"], "--accept-credential-type");
}

#[test]
fn the_json_report_has_the_documented_fields_for_every_result() {
    let docs = std::fs::read_to_string(package().join("docs/commands.md")).expect("the docs");
    let example = docs.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let mut type_not_accepted = valid_key();
    type_not_accepted["uaa"]["credential-type"] = "binding-secret".into();
    let output = run(&["validate", "-o", "json", "-"], type_not_accepted.to_string());
    let mut documented: Value = serde_json::from_str(example).expect("JSON");
    documented["file"] = "standard input".into();
    let accepting = ["validate", "--accept-credential-type", "binding-secret", "-o", "json", "-"];
    documented["fingerprint"] = report(&run(&accepting, type_not_accepted.to_string()))["fingerprint"].clone();
    assert!(documented["fingerprint"].is_string(), "a key that is not accepted has the same fingerprint");
    assert_eq!(report(&output), documented);

    let fields = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    for input in [valid_key().to_string(), "not JSON".into()] {
        assert_eq!(fields(&report(&run(&["validate", "-o", "json", "-"], &input))), fields(&documented));
    }
}

// proves: flag --accept-credential-type, flag --accept-service, flag --endpoint-host, flag --allow-host, flag --entry
#[test]
fn each_option_of_validate_admits_a_key_that_is_refused_without_it() {
    let mut key = valid_key();
    key["uaa"]["credential-type"] = "binding-secret".into();
    key["uaa"]["url"] = "https://acme-calm.authentication.example.com:8443".into();
    key["uaa"]["clientid"] = "sb-a1b2!b77|alm-ts-backend!b88".into();
    key["endpoints"]["Api"] = "https://alm.example.com".into();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "calm" },
        "stringData": { "first": valid_key().to_string(), "second": key.to_string() },
    });
    let options = [
        ["--entry", "second"],
        ["--accept-credential-type", "instance-secret,binding-secret"],
        ["--accept-service", "alm-ts-backend"],
        ["--endpoint-host", "alm.example.com"],
        ["--allow-host", "*.authentication.example.com:8443"],
    ];
    let with = |options: &[[&str; 2]]| {
        exit_code(&run(&[&["validate"], options.as_flattened(), &["-"]].concat(), secret.to_string()))
    };

    assert_eq!(with(&options), 0);
    for left_out in 0..options.len() {
        let others = [&options[..left_out], &options[left_out + 1..]].concat();
        assert_eq!(with(&others), 1, "without {}", options[left_out][0]);
    }
}

#[test]
fn validate_reads_its_flags_from_environment_variables() {
    let mut command = program("almkey");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), valid_key().to_string()).expect("a file");
    let output = command
        .arg("validate")
        .arg(file.path())
        .env("ALMKEY_IDENTITY_ZONE", "other-calm")
        .output()
        .expect("the command runs");
    assert_eq!(exit_code(&output), 1);
    assert!(stdout(&output).contains("$.uaa.identityzone"));
}

#[test]
fn an_unreadable_file_or_a_wrong_option_ends_with_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = folder.path().join("large");
    std::fs::File::create(&large).and_then(|file| file.set_len(1 << 30)).expect("a file of 1 GB");
    let (folder, large) = (folder.path().display().to_string(), large.display().to_string());
    let missing = format!("{folder}/missing");
    for command in ["validate", "test"] {
        for (arguments, expected) in [
            (vec![folder.as_str()], "could not read"),
            (vec![large.as_str()], "is larger than"),
            (vec!["/dev/zero"], "is larger than"),
            (vec![missing.as_str()], "could not read"),
            (vec![], "Usage"),
            (vec!["--allow-host", "https://a.example", "-"], "host:port"),
            (vec!["--accept-credential-type", "x509", "-"], "binding-secret"),
        ] {
            let output = run(&[&[command], arguments.as_slice()].concat(), "");
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(exit_code(&output), 2, "{command} {arguments:?}: {error}");
            assert!(error.contains(expected) && output.stdout.is_empty(), "{command} {arguments:?}: {error}");
        }
    }
    let no_bundle = run(&["test", "--ca-bundle", &large, "-"], valid_key().to_string());
    assert_eq!(exit_code(&no_bundle), 2);
}

/// A simulated SAP with one tenant.
struct Sap {
    simulator: Simulator,
    _folder: tempfile::TempDir,
}

impl Sap {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(folder.path());
        simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": "acme-calm" }))).await;
        Self { simulator, _folder: folder }
    }

    async fn admin(&self, path: &str, body: Value) -> Value {
        self.simulator.admin(Method::POST, &format!("/tenants/acme-calm{path}"), Some(body)).await
    }

    /// Returns the options with which `almkey test` may reach the token endpoint.
    fn options(&self) -> Vec<String> {
        let host = format!("*.authentication.localhost:{}", self.simulator.port);
        let bundle = self.simulator.ca_file.display().to_string();
        ["--allow-host", &host, "--allow-private-networks", "--ca-bundle", &bundle].map(str::to_owned).to_vec()
    }

    /// Runs `almkey test` for a key; returns the exit code and the report.
    fn test(key: &Value, options: &[String]) -> (i32, Value) {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let output = run(&[&["test", "-o", "json"], options.as_slice(), &["-"]].concat(), key.to_string());
        (exit_code(&output), report(&output))
    }

    async fn sign_ins(&self) -> usize {
        let journal = self.simulator.journal("acme-calm", 0, std::time::Duration::ZERO).await;
        journal.iter().filter(|call| call["kind"] == "SignIn").count()
    }
}

// proves: command test, flag --allow-private-networks, flag --ca-bundle, flag --forbid-scope, flag --timeout
#[tokio::test(flavor = "multi_thread")]
async fn test_signs_in_and_reports_a_verdict_only_for_a_clear_answer() {
    let sap = Sap::start().await;
    let (key, options) = (sap.admin("/keys", json!({})).await, sap.options());
    let with =
        |more: &[&str]| [options.as_slice(), &more.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()].concat();
    let result = |(code, report): (i32, Value)| (code, report["result"].as_str().expect("a result").to_owned());

    assert_eq!(result(Sap::test(&key, &options)), (0, "SignsIn".into()));
    assert_eq!(sap.sign_ins().await, 1);

    // An invalid key, or one whose endpoint is not allowed, is sent nowhere.
    assert_eq!(result(Sap::test(&key, &with(&["--identity-zone", "other"]))), (1, "Invalid".into()));
    let (code, report) = Sap::test(&key, &options[2..]);
    assert_eq!((code, &report["findings"][0]["path"]), (1, &json!("$.uaa.url")));
    let not_private: Vec<String> = options.iter().filter(|word| *word != "--allow-private-networks").cloned().collect();
    let (code, report) = Sap::test(&key, &not_private);
    assert_eq!(code, 3, "{report}");
    assert!(report["message"].as_str().expect("a message").contains("is not public"), "{report}");
    assert_eq!(result(Sap::test(&key, &options[..3])), (3, "Unknown".into()), "an unknown CA");
    assert_eq!(sap.sign_ins().await, 1);

    let (code, report) = Sap::test(&key, &with(&["--forbid-scope", "landscape.write"]));
    assert_eq!((code, &report["result"], &report["reason"]), (1, &json!("Invalid"), &json!("ForbiddenScope")));

    sap.admin("/faults", json!({ "on": "SignIn", "times": 1, "fault": { "hold": true } })).await;
    assert_eq!(result(Sap::test(&key, &with(&["--timeout", "1"]))), (3, "Unknown".into()), "a deadline");
    sap.admin("/holds/release", json!({})).await;
    sap.admin("/faults", json!({ "on": "SignIn", "times": 1, "fault": { "status": 503 } })).await;
    let (code, report) = Sap::test(&key, &options);
    assert_eq!((code, &report["result"], &report["reason"]), (3, &json!("Unknown"), &Value::Null));
    assert!(["message", "next"].iter().all(|field| report[field].is_string()), "{report}");

    sap.admin("/keys/revoke", json!({ "clientid": key["uaa"]["clientid"] })).await;
    let (code, report) = Sap::test(&key, &options);
    assert_eq!((code, &report["result"], &report["reason"]), (1, &json!("Refused"), &json!("CredentialsRefused")));
}

// proves: command crds, flag --directory
#[test]
fn crds_prints_and_writes_the_committed_definitions() {
    let committed = |name: &str| std::fs::read_to_string(package().join("crds").join(name)).expect("it is committed");
    let names = ["almservicekeys.almkey.dev.yaml", "almtenants.almkey.dev.yaml"];
    let printed = run(&["crds"], "");
    assert_eq!(exit_code(&printed), 0);
    let folder = tempfile::tempdir().expect("a folder");
    let written = run(&["crds", "--directory", folder.path().to_str().expect("a path")], "");
    assert_eq!(exit_code(&written), 0);
    for name in names {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).expect("it was written"), committed(name));
        assert!(stdout(&printed).contains(name.trim_end_matches(".yaml")), "{name} is printed");
    }
}
