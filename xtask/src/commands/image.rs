//! `cargo xtask image`: the container image for both architectures, as an OCI image layout, without a container engine.

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::image::Descriptor;
use xtask::image::description::{Source, TITLE};
use xtask::image::layer::File;
use xtask::image::layout::{Layout, Writer};
use xtask::image::{CERTIFICATES, IMAGE_LIMIT, PROGRAM, PROGRAM_LIMIT, certificates, sbom};
use xtask::platform::Platform;
use xtask::versions::VERSION;
use xtask::workspace::{root, target};

use crate::cargo::cargo_in;
use crate::console::say;
use crate::error::Error;
use crate::release::{self, Zigbuild, build, source};
use crate::{copy, process};

const PLATFORMS: [Platform; 2] = [Platform::LINUX_AMD64, Platform::LINUX_ARM64];

/// Builds the image; if `verify` is set, once more from a copy of the work tree, which must lead to the same digest.
pub fn run(verify: bool) -> Result<(), Error> {
    let zigbuild = Zigbuild::find_or_install()?;
    let source = source()?;
    let folder = target().join("image");
    let image = build_image(&zigbuild, &source, root(), &target().join("release-binaries"), &folder)?;
    print(&folder, &source)?;
    if verify {
        say("image: building a second time, from a copy of the work tree in another folder");
        let copy = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
        let (tree, second) = (copy.path().join("tree"), copy.path().join("image"));
        copy::work_tree(&tree)?;
        let again = build_image(&zigbuild, &source, &tree, &copy.path().join("target"), &second)?;
        compare(&image, &again)?;
    }
    Ok(())
}

/// Builds the image from a source, and returns the descriptor of its index.
fn build_image(
    zigbuild: &Zigbuild,
    source: &Source,
    tree: &Path,
    binaries: &Path,
    folder: &Path,
) -> Result<Descriptor, Error> {
    let failed = |error| Error::file(folder)(error);
    say("image: compiling for linux/amd64 and linux/arm64");
    build(&PLATFORMS, zigbuild, tree, binaries)?;
    let mut layout = Writer::begin(&layout(folder)).map_err(failed)?;
    for platform in PLATFORMS {
        let program = release::path(platform, binaries);
        let program = fs::read(&program).map_err(Error::file(&program))?;
        let image = layout.add(platform.architecture, &files(program)?, source).map_err(failed)?;
        let bom = bill_of_materials(platform, tree, &image, source)?;
        let path = folder.join(format!("{TITLE}-{}.cdx.json", platform.architecture));
        fs::write(&path, bom).map_err(Error::file(&path))?;
    }
    layout.finish(source).map_err(failed)
}

/// Returns the folder of the layout.
fn layout(folder: &Path) -> PathBuf {
    folder.join("layout")
}

/// Returns the files of the image, if they are not too large.
fn files(program: Vec<u8>) -> Result<[File; 2], Error> {
    let certificates = certificates::bundle().into_bytes();
    let size = program.len() as u64;
    for (name, size, limit) in
        [("the program", size, PROGRAM_LIMIT), ("the image", size + certificates.len() as u64, IMAGE_LIMIT)]
    {
        if size > limit {
            let (size, limit) = (megabytes(size), megabytes(limit));
            return Err(Error::Finding(format!(
                "{name} has {size}, and may have {limit}: look at what was added last"
            )));
        }
    }
    Ok([
        File { path: PROGRAM.to_owned(), mode: 0o555, contents: program },
        File { path: CERTIFICATES.to_owned(), mode: 0o444, contents: certificates },
    ])
}

fn bill_of_materials(platform: Platform, tree: &Path, image: &Descriptor, source: &Source) -> Result<Vec<u8>, Error> {
    let mut cargo = cargo_in(tree);
    let crates = process::read(cargo.args(sbom::tree_arguments(platform.target)), "listing crates")?;
    let path = tree.join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(Error::file(&path))?;
    sbom::document(&crates, &lock, image, source).map_err(Error::Finding)
}

/// Prints what was built, as it is read back.
fn print(folder: &Path, source: &Source) -> Result<(), Error> {
    let path = layout(folder);
    let layout = Layout::read(&path).map_err(Error::file(&path))?;
    say(format!("image: {TITLE} {VERSION} of commit {}", source.revision));
    for image in &layout.images {
        let compressed = image.manifest.layers().iter().map(Descriptor::size).sum();
        say(format!(
            "image: linux/{:5}  {} unpacked, {} compressed  {}",
            image.configuration.architecture(),
            megabytes(image.archive.len() as u64),
            megabytes(compressed),
            image.descriptor.digest()
        ));
    }
    say(format!("image: both         {}", layout.image.digest()));
    say(format!("image: the OCI layout is {}, the SBOMs are beside it", path.display()));
    Ok(())
}

fn compare(first: &Descriptor, second: &Descriptor) -> Result<(), Error> {
    if first.digest() == second.digest() {
        say(format!("image: the second build has the same digest, {}", second.digest()));
        return Ok(());
    }
    Err(Error::Finding(format!(
        "the build is not reproducible: {} and {}. Something in it depends on its folder, its time or its order",
        first.digest(),
        second.digest()
    )))
}

/// Returns a size in decimal megabytes, rounded up.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
