//! The parts of the project's own commands that tests share with them: the pages for readers, the image, the archives, what is
//! promised and which tests prove it, the rights of the operator, the patch of Argo CD's configuration, and the folders of the
//! project.

pub mod archive;
pub mod argocd;
pub mod docs;
pub mod image;
pub mod platform;
pub mod proofs;
pub mod rights;
pub mod versions;
pub mod workspace;
