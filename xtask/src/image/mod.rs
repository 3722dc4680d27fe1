//! The container image: its contents, its description, and the OCI image layout that holds it.
//!
//! Tests share this module with `cargo xtask image`: they read the layout that it has written.

pub mod certificates;
pub mod description;
pub mod layer;
pub mod layout;
pub mod manifest;
pub mod sbom;

/// User and group of the process, by number: a kubelet that is asked for `runAsNonRoot` refuses a name.
pub const USER: &str = "65532:65532";

/// Path of the program in the image.
pub const PROGRAM: &str = "almkey";

/// Path of the CA certificates in the image. It is one of those that OpenSSL's users look for.
pub const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// Port of the admin server.
pub const ADMIN_PORT: &str = "8080/tcp";

/// Largest program, in bytes.
pub const PROGRAM_LIMIT: u64 = 15_000_000;

/// Largest image, in bytes, when it is unpacked.
pub const IMAGE_LIMIT: u64 = 16_000_000;
