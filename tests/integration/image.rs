//! `deploy/Dockerfile`, compared with the image of `cargo xtask image`. The image itself is tested by `make prove`.

use std::fs;

use xtask::image::description::{DESCRIPTION, LICENSES, TITLE};
use xtask::image::{ADMIN_PORT, CERTIFICATES, PROGRAM, USER};
use xtask::versions::VERSION;
use xtask::workspace::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("the file")
}

/// Returns the instructions of the Dockerfile, each on one line and without comments.
fn instructions() -> Vec<String> {
    let text = read("deploy/Dockerfile");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.lines().map(words).filter(|line| !line.is_empty()).collect()
}

/// Returns the instructions of the last stage, which becomes the image.
fn last_stage() -> Vec<String> {
    let all = instructions();
    let begin = all.iter().rposition(|line| line.starts_with("FROM ")).expect("a stage");
    all.into_iter().skip(begin).collect()
}

#[test]
fn the_dockerfile_describes_the_same_image_as_the_one_built_without_an_engine() {
    let labels = [("title", TITLE), ("description", DESCRIPTION), ("version", VERSION), ("licenses", LICENSES)];
    let stage = last_stage();
    let found = stage.iter().find(|line| line.starts_with("LABEL ")).expect("labels");
    for (name, value) in labels {
        assert!(found.contains(&format!("org.opencontainers.image.{name}=\"{value}\"")), "{name}: {found}");
    }
    let rest: Vec<_> = stage.iter().filter(|line| !line.starts_with("LABEL ")).collect();
    let entry_point = format!("ENTRYPOINT [\"/{PROGRAM}\"]");
    let (user, port) = (format!("USER {USER}"), format!("EXPOSE {ADMIN_PORT}"));
    let expected = [
        "FROM scratch",
        "ARG REVISION=unknown",
        "COPY --from=build /image/ /",
        &user,
        "WORKDIR /",
        &port,
        &entry_point,
    ];
    assert_eq!(rest, expected);
    let build = instructions();
    for path in [PROGRAM, CERTIFICATES] {
        assert!(build.iter().any(|line| line.contains(&format!(" /image/{path}"))), "{path} is not in the image");
    }
}

#[test]
fn the_dockerfile_compiles_with_the_pinned_toolchain() {
    let toolchain = read("rust-toolchain.toml");
    let version =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).expect("a version").trim_matches('"');
    let first = instructions().remove(0);
    assert!(first.starts_with(&format!("FROM rust:{version}-alpine")), "{first}");
}
