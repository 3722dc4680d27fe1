//! Platforms that `almkey` is built for.

use crate::versions::VERSION;

/// A platform that `almkey` is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Operating system, by Go's name, which OCI and krew share.
    pub os: &'static str,
    /// Architecture, by Go's name.
    pub architecture: &'static str,
    /// Target of rustc.
    pub target: &'static str,
}

impl Platform {
    /// Linux on x86-64. With musl, a program needs no library of the system.
    pub const LINUX_AMD64: Self = Self { os: "linux", architecture: "amd64", target: "x86_64-unknown-linux-musl" };
    /// Linux on 64-bit ARM.
    pub const LINUX_ARM64: Self = Self { os: "linux", architecture: "arm64", target: "aarch64-unknown-linux-musl" };
    /// macOS on Intel.
    pub const MACOS_AMD64: Self = Self { os: "darwin", architecture: "amd64", target: "x86_64-apple-darwin" };
    /// macOS on Apple silicon.
    pub const MACOS_ARM64: Self = Self { os: "darwin", architecture: "arm64", target: "aarch64-apple-darwin" };
    /// Windows on x86-64.
    pub const WINDOWS_AMD64: Self = Self { os: "windows", architecture: "amd64", target: "x86_64-pc-windows-gnu" };

    /// All platforms.
    pub const ALL: [Self; 5] =
        [Self::LINUX_AMD64, Self::LINUX_ARM64, Self::MACOS_AMD64, Self::MACOS_ARM64, Self::WINDOWS_AMD64];

    /// Returns the file name of a program.
    #[must_use]
    pub fn program(self, name: &str) -> String {
        if self.os == "windows" { format!("{name}.exe") } else { name.to_owned() }
    }

    /// Returns the file name of the archive.
    #[must_use]
    pub fn archive(self) -> String {
        let extension = if self.os == "windows" { "zip" } else { "tar.gz" };
        format!("almkey_{VERSION}_{}_{}.{extension}", self.os, self.architecture)
    }
}
