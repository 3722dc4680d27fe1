//! The promises to users of the operator, and the tests that prove them.

pub mod comments;
pub mod page;
pub mod promises;

/// Writes `docs/proofs.md`.
///
/// # Errors
/// A promise without a test, or a comment `// proves:` that names no promise, a line each.
pub fn write_page() -> Result<(), Vec<String>> {
    let text = page::written(&promises::all(), &comments::all())?;
    std::fs::write(page::path(), text).map_err(|error| vec![format!("could not write docs/proofs.md: {error}")])
}
