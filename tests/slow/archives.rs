//! The archives of `almkey` for people, and the krew manifest that lists them.

use std::fs;
use std::process::Command;

use serde_json::Value;
use testkit::bed::operator::binary;
use testkit::krew;
use xtask::archive::pack::unpack;
use xtask::image::manifest::sha256;
use xtask::platform::Platform;
use xtask::versions::VERSION;
use xtask::workspace::target;

use crate::beds::report;

/// The platforms whose archives are built on Linux.
const BUILT: [Platform; 3] = [Platform::LINUX_AMD64, Platform::LINUX_ARM64, Platform::WINDOWS_AMD64];

/// Address that an archive is never fetched from.
const BASE_URL: &str = "https://downloads.example/almkey";

#[test]
fn krew_installs_the_plugin_from_the_manifest_and_its_archive() {
    let output = Command::new(binary("xtask")).args(["archives", "--base-url", BASE_URL]).output();
    let output = output.expect("xtask can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", String::from_utf8_lossy(&output.stdout));
    let folder = target().join("archives");
    let manifest_file = folder.join("almkey.yaml");
    let text = fs::read_to_string(&manifest_file).expect("the manifest");
    let manifest: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let listed = manifest["spec"]["platforms"].as_array().expect("platforms");
    assert_eq!(listed.len(), BUILT.len());
    let checksums = fs::read_to_string(folder.join(format!("almkey_{VERSION}_checksums.txt"))).expect("checksums");
    for (entry, platform) in listed.iter().zip(BUILT) {
        let archive = fs::read(folder.join(platform.archive())).expect("the archive");
        let sha256 = sha256(&archive);
        assert_eq!(entry["sha256"], sha256);
        assert_eq!(entry["uri"], format!("{BASE_URL}/{}", platform.archive()));
        assert!(checksums.contains(&format!("{sha256}  {}\n", platform.archive())), "{checksums}");
        let files = unpack(platform, &archive).expect("the archive is complete");
        let program = entry["bin"].as_str().expect("a program");
        let found = files.iter().find(|(name, _)| name == program).expect("the program that the manifest names");
        let magic: &[u8] = if platform.os == "windows" { b"MZ" } else { b"\x7fELF" };
        assert!(found.1.starts_with(magic), "{program} is no program for {}", platform.os);
        report(&format!("archives: {} has {} bytes", platform.archive(), archive.len()));
    }

    let own = if cfg!(target_arch = "aarch64") { Platform::LINUX_ARM64 } else { Platform::LINUX_AMD64 };
    let home = tempfile::tempdir().expect("a folder");
    let mut install = Command::new(krew::find_or_build().expect("krew"));
    install.env("KREW_ROOT", home.path()).env("KREW_NO_UPGRADE_CHECK", "1").arg("install");
    install.arg("--manifest").arg(&manifest_file).arg("--archive").arg(folder.join(own.archive()));
    let output = install.output().expect("krew can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let plugin = Command::new(home.path().join("bin/kubectl-almkey")).arg("--version").output();
    let printed = String::from_utf8(plugin.expect("the plugin can be started").stdout).expect("text");
    assert!(printed.trim_end().ends_with(VERSION), "{printed}");
}
