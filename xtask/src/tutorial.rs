//! `make tutorial`: a cluster with the operator and the simulator, and the files that `docs/tutorial.md` uses.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::bed::operator::binary;
use testkit::bed::tenant::ensure_namespace;
use xtask::workspace::target;

use crate::console::{complain, say};
use crate::demo::samples;
use crate::demo::session::Session;
use crate::error::Error;
use crate::interrupt::until_interrupted;

/// The samples that the tutorial uses, each with the identity zone of its tenant, if it has one.
const SAMPLES: [(&str, &str); 4] = [
    ("credentials.yaml", "acme-calm"),
    ("tenant.yaml", "acme-calm"),
    ("manual.yaml", "acme-manual"),
    ("manual-key.yaml", "acme-manual"),
];
/// The namespaces that these tenants admit.
const NAMESPACES: [&str; 2] = ["team-a", "team-b"];

/// Starts everything, and stays up until Ctrl-C.
pub async fn run() -> ExitCode {
    let serve = async {
        serve().await.map_or_else(
            |error| {
                complain(error.to_string());
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        )
    };
    until_interrupted(serve).await
}

async fn serve() -> Result<(), Error> {
    let folder = target().join("tutorial");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let session = Session::start().await;
    for namespace in NAMESPACES {
        ensure_namespace(&session.bed.client, namespace).await;
    }
    let mut landscapes = json!({});
    for (file, zone) in SAMPLES {
        if landscapes[zone].is_null() {
            let new = json!({ "identityZone": zone });
            let made = session.bed.simulator.admin(Method::POST, "/tenants", Some(new)).await;
            landscapes[zone] = made["landscapeManagement"].clone();
        }
        let documents = samples::documents(&session.bed, file, &landscapes[zone]);
        write(&folder.join(file), &documents.iter().map(yaml).collect::<Vec<_>>().join("---\n"))?;
    }
    write(&folder.join("key.yaml"), &key())?;
    // The last file: a script may wait for it.
    write(&folder.join("environment"), &environment(&session))?;
    say(format!(
        "\nEverything stays up until Ctrl-C. Go on in another terminal, as docs/tutorial.md says:\n\n  cd {}\n  source environment\n",
        folder.display()
    ));
    std::future::pending().await
}

/// Returns an `ALMServiceKey` of the tutorial, which notices a dead key within seconds.
fn key() -> String {
    yaml(&json!({
        "apiVersion": "almkey.dev/v1alpha1",
        "kind": "ALMServiceKey",
        "metadata": { "name": "calm", "namespace": "team-a" },
        "spec": {
            "tenantRef": { "name": "acme" },
            "source": { "secretRef": { "name": "pasted" } },
            "interval": "10s",
            "deadKey": { "after": "10s" },
        },
    }))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file(path))
}

fn yaml(document: &Value) -> String {
    serde_yaml_ng::to_string(document).expect("JSON is YAML")
}

/// Returns what the other terminal needs: programs, kubeconfig, and the address of the simulator.
fn environment(session: &Session) -> String {
    let (bed, simulator) = (&session.bed, &session.bed.simulator);
    let kubectl = bed.control_plane.kubectl("admin");
    let folder = |program: &Path| program.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    let programs = format!("{}:{}", folder(&binary("almkey")), folder(Path::new(kubectl.get_program())));
    let variables = [
        ("PATH", format!("{programs}:$PATH")),
        ("KUBECONFIG", bed.control_plane.kubeconfig("admin").display().to_string()),
        ("ALMKEY_SIMULATOR_ADMIN", simulator.url("admin")),
        ("ALMKEY_SIMULATOR_CA", simulator.ca_file.display().to_string()),
    ];
    variables.map(|(name, value)| format!("export {name}={value}\n")).concat()
}
