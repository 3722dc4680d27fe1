//! The krew manifest: `deploy/krew/almkey.yaml`, with the version, addresses and checksums of the archives.

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::versions::VERSION;

/// The template, from the root.
pub const TEMPLATE: &str = "deploy/krew/almkey.yaml";

/// Checksum of an archive.
pub struct Checksum {
    /// Platform of the archive.
    pub platform: Platform,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: String,
}

/// Returns the manifest for the archives with these checksums, below a URL. Platforms without an archive are left out.
///
/// # Errors
/// The template is not understood, or the manifest would list no platform.
pub fn manifest(template: &str, base_url: &str, checksums: &[Checksum]) -> Result<String, String> {
    let mut manifest: Value = serde_yaml_ng::from_str(template).map_err(|error| format!("{TEMPLATE}: {error}"))?;
    manifest["spec"]["version"] = json!(format!("v{VERSION}"));
    let platforms = manifest["spec"]["platforms"].as_array_mut().ok_or("the template lists no platforms")?;
    platforms.retain_mut(|entry| {
        let labels = &entry["selector"]["matchLabels"];
        let is_of = |platform: Platform| labels["os"] == platform.os && labels["arch"] == platform.architecture;
        let Some(found) = checksums.iter().find(|checksum| is_of(checksum.platform)) else { return false };
        entry["uri"] = json!(format!("{}/{}", base_url.trim_end_matches('/'), found.platform.archive()));
        entry["sha256"] = json!(found.sha256);
        true
    });
    if platforms.len() != checksums.len() {
        return Err(format!("{TEMPLATE} has {} of {} platforms", platforms.len(), checksums.len()));
    }
    serde_yaml_ng::to_string(&manifest).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    fn template() -> String {
        std::fs::read_to_string(root().join(TEMPLATE)).expect("the template")
    }

    fn checksum(platform: Platform) -> Checksum {
        Checksum { platform, sha256: "ab".repeat(32) }
    }

    #[test]
    fn a_manifest_has_address_and_checksum_of_each_archive() {
        let checksums: Vec<_> = Platform::ALL.into_iter().map(checksum).collect();
        let text = manifest(&template(), "https://downloads.example/v1/", &checksums).expect("a manifest");
        let manifest: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
        assert_eq!((&manifest["kind"], &manifest["metadata"]["name"]), (&json!("Plugin"), &json!("almkey")));
        assert_eq!(manifest["spec"]["version"], format!("v{VERSION}"));
        for (entry, platform) in manifest["spec"]["platforms"].as_array().expect("platforms").iter().zip(Platform::ALL)
        {
            assert_eq!(entry["uri"], format!("https://downloads.example/v1/{}", platform.archive()));
            assert_eq!(entry["sha256"], "ab".repeat(32));
            assert_eq!(entry["bin"], platform.program("kubectl-almkey"));
            let labels = json!({ "os": platform.os, "arch": platform.architecture });
            assert_eq!(entry["selector"]["matchLabels"], labels);
        }
    }

    #[test]
    fn a_platform_without_an_archive_is_left_out() {
        let text = manifest(&template(), "https://downloads.example", &[checksum(Platform::LINUX_AMD64)]);
        let manifest: Value = serde_yaml_ng::from_str(&text.expect("a manifest")).expect("YAML");
        assert_eq!(manifest["spec"]["platforms"].as_array().map(Vec::len), Some(1));
    }
}
