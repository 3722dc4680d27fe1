//! `almkey download`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use testkit::bed::Tenant;

use super::{Terminal, command, create_editor, printed, run_in};
use crate::scenarios::{scenario, upload};

/// Runs `almkey download calm` in a folder, as the user of a kubeconfig.
fn download(tenant: &Tenant<'_>, kubeconfig: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(kubeconfig, &["download", "calm", "-n", &tenant.namespace]);
    command.args(arguments).current_dir(folder).output().expect("almkey can be started")
}

/// Returns the key in a file. Fails if others than its owner may read it.
fn read(path: &Path) -> Value {
    let mode = fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

// proves: command download, flag --output
#[test]
fn download_writes_the_uploaded_document_for_its_user_alone() {
    scenario("downloaded", async |tenant| {
        let key = upload(&tenant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let admin = tenant.bed.control_plane.kubeconfig("admin");

        let written = printed(&["download"], download(&tenant, &admin, folder.path(), &[]));
        assert_eq!((written.code, written.stderr.as_str()), (0, ""));
        for part in ["Uploaded: yes", "Source: Secret \"pasted\"", "File: calm.txt, which only you may read"] {
            assert!(written.stdout.contains(part), "{part:?} is missing in\n{}", written.stdout);
        }
        assert_eq!(read(&folder.path().join("calm.txt")), key);
        assert_eq!(tenant.slot_key().await, key);

        // Its output is the key, so it is not searched for one.
        let Output { status, stdout, stderr } = download(&tenant, &admin, folder.path(), &["-o", "-"]);
        assert!(status.success());
        assert_eq!(stdout, fs::read(folder.path().join("calm.txt")).expect("a file"));
        let description = String::from_utf8(stderr).expect("UTF-8");
        assert!(description.starts_with("almservicekey/calm -n downloaded\n  Uploaded: yes"), "{description}");
        assert!(!description.contains(key["uaa"]["clientsecret"].as_str().expect("a secret")));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    });
}

// proves: flag --yes
#[test]
fn download_replaces_a_file_only_on_request_and_follows_no_link() {
    scenario("download-again", async |tenant| {
        let key = upload(&tenant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("calm.txt"), folder.path().join("link"));
        let admin = tenant.bed.control_plane.kubeconfig("admin");
        let run = |arguments: &[&str]| printed(arguments, download(&tenant, &admin, folder.path(), arguments));
        let is_untouched = || fs::read_to_string(&path).expect("a file") == "notes";
        fs::write(&path, "notes").expect("a file");
        symlink(&path, &link).expect("a link");

        for (arguments, message) in [
            (&[][..], "calm.txt exists: pass --yes to confirm that"),
            (&["-o", "link", "--yes"], "link is a symbolic link, through which no key is written"),
            (&["-o", ".", "--yes"], ". is no regular file"),
            (&["-o", "missing/key.txt"], "could not write missing/key.txt"),
        ] {
            let refused = run(arguments);
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{arguments:?}");
            assert!(refused.stderr.contains(message), "{}", refused.stderr);
            assert!(is_untouched(), "{arguments:?}");
        }
        let ask = || {
            let mut terminal = Terminal::start(&tenant, folder.path(), &["download", "calm"]);
            terminal.await_text("Replace the file calm.txt?");
            terminal
        };
        ask().interrupt();
        let (_, code) = ask().answer("n");
        assert!(code == 1 && is_untouched());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing temporary is left");

        let (output, code) = ask().answer("y");
        assert_eq!((code, read(&path)), (0, key.clone()), "{output}");
        fs::write(&path, "notes").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        assert_eq!(run(&["--yes"]).code, 0);
        assert_eq!(read(&path), key);
    });
}

#[test]
fn download_without_the_right_to_read_the_secret_writes_nothing() {
    scenario("not-downloaded", async |tenant| {
        upload(&tenant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let without = create_editor(&tenant, "without", &[]).await;
        let refused = printed(&["download"], download(&tenant, &without, folder.path(), &[]));
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
        assert!(refused.stderr.contains("grant the right to get secrets in namespace"), "{}", refused.stderr);
        let missing = run_in(&tenant, &["download", "clam"]);
        assert!(missing.code == 2 && missing.stderr.contains("does not exist in namespace"), "{}", missing.stderr);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);

        let with = create_editor(&tenant, "with", &["get"]).await;
        let written = printed(&["download"], download(&tenant, &with, folder.path(), &[]));
        assert_eq!((written.code, written.stderr.as_str()), (0, ""));
        read(&folder.path().join("calm.txt"));
    });
}
