//! What is promised to those who use the operator, and which tests prove it.

pub mod comments;
pub mod page;
pub mod promises;

/// Writes `docs/proofs.md`.
///
/// # Errors
/// What is promised without a test, and what a test claims to prove that is not promised.
pub fn write_page() -> Result<(), Vec<String>> {
    let text = page::written(&promises::all(), &comments::all())?;
    std::fs::write(page::path(), text).map_err(|error| vec![format!("could not write docs/proofs.md: {error}")])
}
