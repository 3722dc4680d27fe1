//! The software bill of materials of an image, as `CycloneDX`: the crates that are linked into its program, and its CA
//! certificates.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::validation::Validate as _;
use oci_spec::image::Descriptor;
use toml::{Table, Value};

use super::description::{DESCRIPTION, LICENSES, Source, TITLE};
use crate::versions::VERSION;

/// Returns the arguments of `cargo tree` that print the crates of the program for a target, as [`document`] reads them.
///
/// Macros and build scripts are left out: they run in the build, and are not in the program.
#[must_use]
pub fn tree_arguments(target: &str) -> Vec<String> {
    let fixed = ["tree", "--locked", "--package", TITLE, "--edges", "normal,no-proc-macro", "--prefix", "depth"];
    let format = ["--format", " {p}|{l}", "--target", target];
    fixed.iter().chain(&format).map(ToString::to_string).collect()
}

/// Crate whose data are the CA certificates.
const CERTIFICATES: &str = "webpki-root-certs";

/// A line of `cargo tree`.
struct Line<'a> {
    depth: usize,
    name: &'a str,
    version: &'a str,
    license: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (crate_, license) = line.split_once('|')?;
        let mut words = crate_.split_whitespace();
        let depth = words.next()?.parse().ok()?;
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        // The mark of a crate whose dependencies stand further up.
        let license = license.trim_end_matches(" (*)");
        Some(Self { depth, name, version, license })
    }

    /// Returns the reference to this crate within the document.
    fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// Returns the document for the image with this manifest, from the output of `cargo tree` and the text of `Cargo.lock`.
///
/// # Errors
/// One of them is not understood, or the document breaks a rule of `CycloneDX`.
pub fn document(tree: &str, lock: &str, image: &Descriptor, source: &Source) -> Result<Vec<u8>, String> {
    let lock = Lock::parse(lock)?;
    let mut components = BTreeMap::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for text in tree.lines() {
        let line = Line::parse(text).ok_or_else(|| format!("a line of `cargo tree` is not understood: {text}"))?;
        let reference = line.reference();
        above.truncate(line.depth);
        if let Some(parent) = above.last() {
            dependencies.entry(parent.clone()).or_default().insert(reference.clone());
        }
        dependencies.entry(reference.clone()).or_default();
        above.push(reference.clone());
        if let Entry::Vacant(entry) = components.entry(reference) {
            entry.insert(component(&line, &lock)?);
        }
    }
    let program = above.first().cloned().ok_or("`cargo tree` printed nothing")?;
    let certificates = lock.line(CERTIFICATES)?;
    components.insert(certificates.reference(), component(&certificates, &lock)?);
    let contents = [program, certificates.reference()];
    dependencies.insert(image.digest().to_string(), contents.into());
    let bom = Bom {
        serial_number: None,
        metadata: Some(metadata(image, source)?),
        components: Some(Components(components.into_values().collect())),
        dependencies: Some(Dependencies(dependencies.into_iter().map(dependency).collect())),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    };
    let validation = bom.validate_version(SpecVersion::V1_5);
    if !validation.passed() {
        return Err(format!("the SBOM breaks rules of CycloneDX: {validation:?}"));
    }
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json).map_err(|error| error.to_string())?;
    Ok(json)
}

fn metadata(image: &Descriptor, source: &Source) -> Result<Metadata, String> {
    let digest = image.digest().to_string();
    let mut component = Component::new(Classification::Container, TITLE, VERSION, Some(digest.clone()));
    component.description = Some(NormalizedString::new(DESCRIPTION));
    component.licenses = Some(expression(LICENSES));
    component.purl = Some(Purl::new("oci", TITLE, &digest).map_err(|error| error.to_string())?);
    let timestamp = source.created.to_string().try_into().map_err(|error| format!("a time: {error}"))?;
    Ok(Metadata { timestamp: Some(timestamp), component: Some(component), ..Metadata::default() })
}

fn component(line: &Line<'_>, lock: &Lock) -> Result<Component, String> {
    let is_program = line.name == TITLE;
    let kind = if is_program { Classification::Application } else { Classification::Library };
    let mut component = Component::new(kind, line.name, line.version, Some(line.reference()));
    component.licenses = Some(expression(line.license));
    // The program itself is in no registry.
    if !is_program {
        component.purl = Some(Purl::new("cargo", line.name, line.version).map_err(|error| error.to_string())?);
        let checksum = lock.checksum(line.name, line.version)?;
        component.hashes =
            Some(Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(checksum.to_owned()) }]));
    }
    Ok(component)
}

fn expression(license: &str) -> Licenses {
    // An older notation of some crates.
    let license = license.replace('/', " OR ");
    Licenses(vec![LicenseChoice::Expression(SpdxExpression::new(&license))])
}

fn dependency((dependency_ref, dependencies): (String, BTreeSet<String>)) -> Dependency {
    Dependency { dependency_ref, dependencies: dependencies.into_iter().collect() }
}

/// The packages of `Cargo.lock`.
struct Lock(Vec<Value>);

impl Lock {
    fn parse(text: &str) -> Result<Self, String> {
        let mut lock: Table = toml::from_str(text).map_err(|error| format!("Cargo.lock: {error}"))?;
        match lock.remove("package") {
            Some(Value::Array(packages)) => Ok(Self(packages)),
            _ => Err("Cargo.lock has no packages".into()),
        }
    }

    fn checksum(&self, name: &str, version: &str) -> Result<&str, String> {
        let package =
            self.0.iter().find(|package| text(package, "name") == name && text(package, "version") == version);
        let checksum = package.map(|package| text(package, "checksum")).filter(|checksum| !checksum.is_empty());
        checksum.ok_or_else(|| format!("Cargo.lock has no checksum of {name} {version}"))
    }

    /// Returns the crate of the CA certificates as a line of `cargo tree`. The program does not depend on it.
    fn line<'a>(&'a self, name: &'a str) -> Result<Line<'a>, String> {
        let package = self.0.iter().find(|package| text(package, "name") == name);
        let package = package.ok_or_else(|| format!("Cargo.lock does not name {name}"))?;
        Ok(Line { depth: 0, name, version: text(package, "version"), license: "CDLA-Permissive-2.0" })
    }
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use jiff::Timestamp;
    use oci_spec::image::{DescriptorBuilder, MediaType, Sha256Digest};

    use super::*;

    const TREE: &str = "0 alm-key-operator v0.1.0 (/source)|Apache-2.0\n\
                        1 url v2.5.8|MIT OR Apache-2.0\n\
                        2 serde v1.0.0|MIT/Apache-2.0\n\
                        1 serde v1.0.0|MIT/Apache-2.0 (*)\n";

    fn lock(checksum: &str) -> String {
        let package = |name: &str, version: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nchecksum = \"{checksum}\"\n")
        };
        package("url", "2.5.8") + &package("serde", "1.0.0") + &package(CERTIFICATES, "1.0.1")
    }

    fn made(tree: &str, lock: &str) -> Result<serde_json::Value, String> {
        let digest = Sha256Digest::from_str(&"ab".repeat(32)).expect("a digest");
        let image = DescriptorBuilder::default().media_type(MediaType::ImageManifest).digest(digest).size(1_u64);
        let source = Source { revision: "abc".into(), created: Timestamp::UNIX_EPOCH };
        let json = document(tree, lock, &image.build().expect("a descriptor"), &source)?;
        Ok(serde_json::from_slice(&json).expect("JSON"))
    }

    #[test]
    fn a_document_names_each_crate_once_with_its_checksum_and_dependencies() {
        let checksum = "cd".repeat(32);
        let document = made(TREE, &lock(&checksum)).expect("a document");
        let names: Vec<_> = document["components"].as_array().expect("components").iter().map(|c| &c["name"]).collect();
        assert_eq!(names, ["alm-key-operator", "serde", "url", CERTIFICATES]);
        assert_eq!(document["components"][1]["hashes"][0]["content"], checksum);
        assert_eq!(document["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let of = |reference: &str| {
            let all = document["dependencies"].as_array().expect("dependencies");
            all.iter().find(|entry| entry["ref"] == reference).map(|entry| entry["dependsOn"].clone())
        };
        let of_program = of("pkg:cargo/alm-key-operator@0.1.0").expect("the program");
        assert_eq!(of_program, serde_json::json!(["pkg:cargo/serde@1.0.0", "pkg:cargo/url@2.5.8"]));
    }

    #[test]
    fn a_crate_without_a_checksum_and_an_unknown_line_are_errors() {
        assert!(made(TREE, &lock("")).is_err_and(|error| error.contains("no checksum of")));
        assert!(made("url 2", &lock("cd")).is_err_and(|error| error.contains("not understood: url 2")));
    }
}
