//! The OCI image layout: a folder of blobs that are named by their digests, with an index of both architectures.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use oci_spec::image::{
    ANNOTATION_REF_NAME, Arch, Descriptor, DescriptorBuilder, ImageConfiguration, ImageIndex, ImageIndexBuilder,
    ImageManifest, MediaType, OciLayout, OciLayoutBuilder, Os, Platform, PlatformBuilder, SCHEMA_VERSION, Sha256Digest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::description::{Source, annotations};
use super::layer::{self, File};
use super::manifest::{self, invalid, sha256};
use crate::versions::VERSION;

const LAYOUT: &str = "oci-layout";
const LAYOUT_VERSION: &str = "1.0.0";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256";

/// A layout that is being written.
pub struct Writer {
    folder: PathBuf,
    manifests: Vec<Descriptor>,
}

impl Writer {
    /// Begins a layout in a folder, whose former contents are deleted.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(folder.join(BLOBS))?;
        Ok(Self { folder: folder.to_owned(), manifests: Vec::new() })
    }

    /// Adds the image for an architecture, and returns the descriptor of its manifest.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn add(&mut self, architecture: &str, files: &[File], source: &Source) -> io::Result<Descriptor> {
        let seconds = u64::try_from(source.created.as_second()).map_err(io::Error::other)?;
        let archive = layer::archive(files, seconds)?;
        let configuration = manifest::configuration(architecture, &archive, source)?;
        let configuration = self.write_blob(MediaType::ImageConfig, &to_json(&configuration)?)?;
        let layer = self.write_blob(MediaType::ImageLayerGzip, &layer::compress(&archive)?)?;
        let manifest = manifest::manifest(configuration, layer, source)?;
        let mut descriptor = self.write_blob(MediaType::ImageManifest, &to_json(&manifest)?)?;
        descriptor.set_platform(Some(platform(architecture)?));
        self.manifests.push(descriptor.clone());
        Ok(descriptor)
    }

    /// Writes the index of all architectures, and returns its descriptor.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn finish(self, source: &Source) -> io::Result<Descriptor> {
        let all = index(self.manifests.clone()).annotations(annotations(source)).build().map_err(invalid)?;
        let image = self.write_blob(MediaType::ImageIndex, &to_json(&all)?)?;
        let mut named = image.clone();
        named.set_annotations(Some([(ANNOTATION_REF_NAME.to_owned(), VERSION.to_owned())].into()));
        let top = index(vec![named]).build().map_err(invalid)?;
        fs::write(self.folder.join(INDEX), to_json(&top)?)?;
        let layout = OciLayoutBuilder::default().image_layout_version(LAYOUT_VERSION).build().map_err(invalid)?;
        fs::write(self.folder.join(LAYOUT), to_json(&layout)?)?;
        Ok(image)
    }

    fn write_blob(&self, media_type: MediaType, contents: &[u8]) -> io::Result<Descriptor> {
        let digest = sha256(contents);
        fs::write(self.folder.join(BLOBS).join(&digest), contents)?;
        let digest = Sha256Digest::from_str(&digest).map_err(invalid)?;
        let size = contents.len() as u64;
        DescriptorBuilder::default().media_type(media_type).digest(digest).size(size).build().map_err(invalid)
    }
}

fn index(manifests: Vec<Descriptor>) -> ImageIndexBuilder {
    let builder = ImageIndexBuilder::default().schema_version(SCHEMA_VERSION).media_type(MediaType::ImageIndex);
    builder.manifests(manifests)
}

fn platform(architecture: &str) -> io::Result<Platform> {
    PlatformBuilder::default().architecture(Arch::from(architecture)).os(Os::Linux).build().map_err(invalid)
}

/// Returns a document with sorted names: the library keeps annotations in no order.
fn to_json(document: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::to_value(document)?)?)
}

/// A complete layout.
pub struct Layout {
    /// The descriptor of the index, whose digest names the image.
    pub image: Descriptor,
    /// The index of all architectures.
    pub index: ImageIndex,
    /// The image for each architecture.
    pub images: Vec<Image>,
}

/// The image for one architecture.
pub struct Image {
    /// The descriptor of the manifest.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: ImageManifest,
    /// The configuration.
    pub configuration: ImageConfiguration,
    /// The layer, without compression.
    pub archive: Vec<u8>,
}

impl Layout {
    /// Reads a layout, and checks each digest, size and media type in it.
    ///
    /// # Errors
    /// A file cannot be read, or differs from its description.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut reader = Reader { folder, seen: BTreeSet::new() };
        let layout: OciLayout = serde_json::from_slice(&fs::read(folder.join(LAYOUT))?)?;
        ensure(layout.image_layout_version() == LAYOUT_VERSION, || format!("{LAYOUT}: {layout:?}"))?;
        let top: ImageIndex = serde_json::from_slice(&fs::read(folder.join(INDEX))?)?;
        let [image] = top.manifests().as_slice() else {
            return Err(io::Error::other(format!("{INDEX} must name one image")));
        };
        let index: ImageIndex = reader.document(image, &MediaType::ImageIndex)?;
        let images = index.manifests().iter().map(|descriptor| reader.image(descriptor));
        let images = images.collect::<io::Result<_>>()?;
        reader.expect_no_other_blob()?;
        Ok(Self { image: image.clone(), images, index })
    }
}

struct Reader<'a> {
    folder: &'a Path,
    seen: BTreeSet<String>,
}

impl Reader<'_> {
    fn image(&mut self, descriptor: &Descriptor) -> io::Result<Image> {
        let manifest: ImageManifest = self.document(descriptor, &MediaType::ImageManifest)?;
        let configuration: ImageConfiguration = self.document(manifest.config(), &MediaType::ImageConfig)?;
        let [layer] = manifest.layers().as_slice() else {
            return Err(io::Error::other("the image must have one layer"));
        };
        let archive = layer::decompress(&self.blob(layer, &MediaType::ImageLayerGzip)?)?;
        let expected = [format!("sha256:{}", sha256(&archive))];
        let found = configuration.rootfs().diff_ids();
        ensure(found.as_slice() == expected, || format!("diff_ids are {found:?}, not {expected:?}"))?;
        Ok(Image { descriptor: descriptor.clone(), manifest, configuration, archive })
    }

    fn document<T: DeserializeOwned>(&mut self, descriptor: &Descriptor, media_type: &MediaType) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.blob(descriptor, media_type)?)?)
    }

    fn blob(&mut self, descriptor: &Descriptor, media_type: &MediaType) -> io::Result<Vec<u8>> {
        let found = descriptor.media_type();
        ensure(found == media_type, || format!("a media type is {found}, not {media_type}"))?;
        let digest = descriptor.digest().digest();
        let contents = fs::read(self.folder.join(BLOBS).join(digest))?;
        ensure(contents.len() as u64 == descriptor.size(), || format!("blob {digest} has another size"))?;
        ensure(sha256(&contents) == digest, || format!("blob {digest} has another digest"))?;
        self.seen.insert(digest.to_owned());
        Ok(contents)
    }

    fn expect_no_other_blob(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join(BLOBS))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            ensure(self.seen.contains(&name), || format!("blob {name} belongs to no image"))?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> io::Result<()> {
    if holds { Ok(()) } else { Err(io::Error::other(problem())) }
}

#[cfg(test)]
mod tests;
