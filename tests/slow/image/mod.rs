//! The container image: its layout, its programs, its SBOM, and the life of a key from the unpacked image.

mod container;
mod contents;
mod life;
mod program;
mod sbom;

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use testkit::bed::operator::binary;
use xtask::image::layout::{Image, Layout};
use xtask::workspace::target;

/// The image of the work tree, which is built if it is not fresh.
static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let output = Command::new(binary("xtask")).arg("image").output().expect("xtask can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", String::from_utf8_lossy(&output.stdout));
    Layout::read(&folder().join("layout")).expect("a complete layout")
});

/// Returns the folder of the layout and the SBOMs.
fn folder() -> PathBuf {
    target().join("image")
}

/// Returns the image for an architecture.
fn image(architecture: &str) -> &'static Image {
    let mut images = LAYOUT.images.iter();
    images.find(|image| image.configuration.architecture().to_string() == architecture).expect("an image")
}

/// Unpacks the image for an architecture into a new folder.
fn unpack(architecture: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    xtask::image::layer::unpack(&image(architecture).archive, root.path()).expect("the layer can be unpacked");
    root
}
