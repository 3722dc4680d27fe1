use jiff::Timestamp;
use tempfile::TempDir;

use super::*;

fn written() -> (TempDir, Descriptor) {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Source { revision: "abc".into(), created: Timestamp::from_second(1_700_000_000).expect("a time") };
    let mut writer = Writer::begin(&folder.path().join("image")).expect("a layout");
    for architecture in ["amd64", "arm64"] {
        let files = [File { path: "almkey".into(), mode: 0o555, contents: architecture.into() }];
        writer.add(architecture, &files, &source).expect("an image");
    }
    let image = writer.finish(&source).expect("an index");
    (folder, image)
}

#[test]
fn a_layout_reads_as_it_was_written() {
    let (folder, image) = written();
    let layout = Layout::read(&folder.path().join("image")).expect("a layout");
    assert_eq!(layout.image.digest(), image.digest());
    let architectures: Vec<_> = layout.images.iter().map(|image| image.configuration.architecture().clone()).collect();
    assert_eq!(architectures, [Arch::Amd64, Arch::ARM64]);
}

#[test]
fn two_layouts_of_the_same_files_have_one_digest() {
    assert_eq!(written().1.digest(), written().1.digest());
}

#[test]
fn a_blob_that_was_changed_or_added_is_noticed() {
    let (folder, image) = written();
    let layout = folder.path().join("image");
    let blob = layout.join(BLOBS).join(image.digest().digest());
    let contents = fs::read(&blob).expect("a blob");
    fs::write(&blob, [&contents[..], b" "].concat()).expect("a file");
    assert!(Layout::read(&layout).is_err_and(|error| error.to_string().contains("has another size")));
    fs::write(&blob, &contents).expect("a file");
    fs::write(layout.join(BLOBS).join("other"), b"").expect("a file");
    assert!(Layout::read(&layout).is_err_and(|error| error.to_string().contains("belongs to no image")));
}
