//! `cargo xtask archives`: archives of `almkey` for people, their checksums, and a krew manifest.
//!
//! On Linux, the programs for Linux and Windows are built here. Those for macOS are linked with Apple's frameworks, which
//! only a Mac has: they are built there by cargo, and passed to this command.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::archive::krew::{self, Checksum};
use xtask::archive::pack::pack;
use xtask::image::description::Source;
use xtask::image::manifest::sha256;
use xtask::platform::Platform;
use xtask::versions::VERSION;
use xtask::workspace::{root, target};

use crate::console::say;
use crate::error::Error;
use crate::release::{self, Zigbuild, build, source};

/// The platforms that are built here.
const BUILT: [Platform; 3] = [Platform::LINUX_AMD64, Platform::LINUX_ARM64, Platform::WINDOWS_AMD64];

/// Builds the archives; `programs` are those that were built elsewhere. Writes a krew manifest if there is a URL.
pub fn run(programs: &[String], base_url: Option<&str>) -> Result<(), Error> {
    let programs = programs.iter().map(|program| parse(program)).collect::<Result<Vec<_>, _>>()?;
    let source = source()?;
    let folder = target().join("archives");
    // Archives of another version must not be listed.
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::file(&folder)(error)),
        _ => fs::create_dir_all(&folder).map_err(Error::file(&folder))?,
    }
    let binaries = target().join("release-binaries");
    let passed = |platform| programs.iter().find(|(of, _)| *of == platform).map(|(_, path)| path.clone());
    let compiled: Vec<_> = BUILT.into_iter().filter(|platform| passed(*platform).is_none()).collect();
    if !compiled.is_empty() {
        say(format!("archives: compiling for {}", compiled.iter().copied().map(name).collect::<Vec<_>>().join(", ")));
        build(&compiled, &Zigbuild::find_or_install()?, root(), &binaries)?;
    }
    let mut checksums = Vec::new();
    for platform in Platform::ALL {
        let program = passed(platform);
        if program.is_none() && !compiled.contains(&platform) {
            say(format!("archives: none for {}: build the program on a Mac, and pass --program", name(platform)));
            continue;
        }
        let program = program.unwrap_or_else(|| release::path(platform, &binaries));
        checksums.push(write(platform, &program, &source, &folder)?);
    }
    let list = checksums.iter().map(|checksum| format!("{}  {}\n", checksum.sha256, checksum.platform.archive()));
    write_text(&folder.join(format!("almkey_{VERSION}_checksums.txt")), &list.collect::<String>())?;
    if let Some(base_url) = base_url {
        let template = root().join(krew::TEMPLATE);
        let template = fs::read_to_string(&template).map_err(Error::file(&template))?;
        let manifest = krew::manifest(&template, base_url, &checksums).map_err(Error::Finding)?;
        write_text(&folder.join("almkey.yaml"), &manifest)?;
    }
    say(format!("archives: {} in {}", checksums.len(), folder.display()));
    Ok(())
}

/// Returns the name of a platform in arguments and messages.
fn name(platform: Platform) -> String {
    format!("{}_{}", platform.os, platform.architecture)
}

fn parse(argument: &str) -> Result<(Platform, PathBuf), Error> {
    let parts = argument.split_once('=');
    let found = parts.and_then(|(of, path)| Some((Platform::ALL.into_iter().find(|known| name(*known) == of)?, path)));
    found.map(|(platform, path)| (platform, path.into())).ok_or_else(|| {
        let known = Platform::ALL.map(name).join(", ");
        Error::Finding(format!("--program {argument} is not PLATFORM=FILE with a platform of {known}"))
    })
}

fn write(platform: Platform, program: &Path, source: &Source, folder: &Path) -> Result<Checksum, Error> {
    let program = fs::read(program).map_err(Error::file(program))?;
    let path = folder.join(platform.archive());
    let seconds = u64::try_from(source.created.as_second()).unwrap_or_default();
    let archive = pack(platform, &program, root(), seconds).map_err(Error::file(&path))?;
    fs::write(&path, &archive).map_err(Error::file(&path))?;
    let sha256 = sha256(&archive);
    say(format!("archives: {sha256}  {}", platform.archive()));
    Ok(Checksum { platform, sha256 })
}

fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_an_unknown_platform_is_refused_with_the_known_ones() {
        assert!(parse("darwin_arm64=almkey").is_ok_and(|(platform, _)| platform == Platform::MACOS_ARM64));
        let error = parse("plan9_amd64=almkey").expect_err("it is unknown").to_string();
        assert!(
            error.ends_with("with a platform of linux_amd64, linux_arm64, darwin_amd64, darwin_arm64, windows_amd64")
        );
    }
}
