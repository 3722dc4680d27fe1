//! Configuration and manifest of the image for one architecture.

use std::io;

use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder, ImageManifest,
    ImageManifestBuilder, MediaType, Os, RootFsBuilder, SCHEMA_VERSION,
};
use sha2::{Digest as _, Sha256};

use super::description::{Source, annotations};
use super::{ADMIN_PORT, PROGRAM, USER};

/// Returns the SHA-256 of data, in hexadecimal.
#[must_use]
pub fn sha256(data: &[u8]) -> String {
    let bytes: Vec<_> = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.concat()
}

/// Returns the configuration of the image for an architecture, whose one layer is this archive.
///
/// # Errors
/// A required field is missing.
pub fn configuration(architecture: &str, archive: &[u8], source: &Source) -> io::Result<ImageConfiguration> {
    let run = ConfigBuilder::default()
        .user(USER)
        .entrypoint(vec![format!("/{PROGRAM}")])
        .working_dir("/")
        .exposed_ports(vec![ADMIN_PORT.to_owned()])
        .labels(annotations(source))
        .build()
        .map_err(invalid)?;
    let root = RootFsBuilder::default().diff_ids(vec![format!("sha256:{}", sha256(archive))]).build();
    let created = source.created.to_string();
    let history = HistoryBuilder::default().created(created.clone()).created_by("cargo xtask image").build();
    ImageConfigurationBuilder::default()
        .created(created)
        .architecture(Arch::from(architecture))
        .os(Os::Linux)
        .config(run)
        .rootfs(root.map_err(invalid)?)
        .history(vec![history.map_err(invalid)?])
        .build()
        .map_err(invalid)
}

/// Returns the manifest that names configuration and layer.
///
/// # Errors
/// A required field is missing.
pub fn manifest(configuration: Descriptor, layer: Descriptor, source: &Source) -> io::Result<ImageManifest> {
    ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(configuration)
        .layers(vec![layer])
        .annotations(annotations(source))
        .build()
        .map_err(invalid)
}

/// Makes an error of one of the library.
pub(super) fn invalid(error: OciSpecError) -> io::Error {
    io::Error::other(error)
}
