//! Files and description of the image.

use std::collections::BTreeMap;

use oci_spec::image::{Arch, Os};
use xtask::image::description::{DESCRIPTION, LICENSES, TITLE};
use xtask::image::{CERTIFICATES, IMAGE_LIMIT, USER, certificates};
use xtask::versions::VERSION;

use super::{LAYOUT, image, unpack};
use crate::beds::report;

const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

#[test]
fn the_image_holds_the_program_and_ca_certificates_and_nothing_else() {
    for architecture in ARCHITECTURES {
        let archive = &image(architecture).archive;
        assert!(archive.len() as u64 <= IMAGE_LIMIT, "{} bytes", archive.len());
        let mut reader = tar::Archive::new(archive.as_slice());
        let files = reader.entries().expect("entries").map(|entry| {
            let entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.uid().ok(), header.gid().ok()), (Some(0), Some(0)), "files belong to root");
            (entry.path().expect("a path").display().to_string(), header.mode().expect("a mode"))
        });
        let expected =
            [("etc", 0o755), ("etc/ssl", 0o755), ("etc/ssl/certs", 0o755), ("almkey", 0o555), (CERTIFICATES, 0o444)];
        assert_eq!(files.collect::<Vec<_>>(), expected.map(|(path, mode)| (path.to_owned(), mode)));
        let root = unpack(architecture);
        let certificates = std::fs::read_to_string(root.path().join(CERTIFICATES)).expect("the certificates");
        assert_eq!(certificates, certificates::bundle());
    }
}

#[test]
fn the_image_names_user_entry_point_and_platform_in_its_configuration() {
    let platforms = LAYOUT.index.manifests().iter().map(|manifest| {
        let platform = manifest.platform().as_ref().expect("a platform");
        (platform.os().clone(), platform.architecture().clone())
    });
    assert_eq!(platforms.collect::<Vec<_>>(), [(Os::Linux, Arch::Amd64), (Os::Linux, Arch::ARM64)]);
    for architecture in ARCHITECTURES {
        let configuration = &image(architecture).configuration;
        let run = configuration.config().as_ref().expect("a configuration");
        assert_eq!(run.user().as_deref(), Some(USER));
        assert_eq!(run.entrypoint().as_deref(), Some(["/almkey".to_owned()].as_slice()));
        assert_eq!(run.cmd(), &None, "the Deployment names the command");
        assert_eq!(run.env(), &None);
        assert_eq!(configuration.os(), &Os::Linux);
    }
}

#[test]
fn the_image_says_the_same_of_itself_in_labels_and_annotations() {
    let index = LAYOUT.index.annotations().as_ref().expect("annotations");
    for architecture in ARCHITECTURES {
        let image = image(architecture);
        assert_eq!(image.manifest.annotations().as_ref(), Some(index));
        let run = image.configuration.config().as_ref().expect("a configuration");
        assert_eq!(run.labels().as_ref(), Some(index));
        assert_eq!(image.configuration.created().as_ref(), index.get("org.opencontainers.image.created"));
    }
    let names: BTreeMap<_, _> = index.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (name, value) in [("title", TITLE), ("description", DESCRIPTION), ("version", VERSION), ("licenses", LICENSES)]
    {
        assert_eq!(names.get(format!("org.opencontainers.image.{name}").as_str()), Some(&value));
    }
    assert!(
        !names.keys().any(|name| name.ends_with("source") || name.ends_with("url")),
        "there is no such address yet"
    );
    report(&format!("image: {} of commit {}", LAYOUT.image.digest(), names["org.opencontainers.image.revision"]));
}
