//! The description of the image: its OCI annotations, which are its labels too.

use std::collections::HashMap;

use jiff::Timestamp;
use oci_spec::image::{
    ANNOTATION_CREATED, ANNOTATION_DESCRIPTION, ANNOTATION_LICENSES, ANNOTATION_REVISION, ANNOTATION_TITLE,
    ANNOTATION_VERSION,
};

use crate::versions::VERSION;

/// Name of the image.
pub const TITLE: &str = "alm-key-operator";

/// Purpose of the image.
pub const DESCRIPTION: &str = "Keeps the SAP Cloud ALM service key of Landscape Management in step with the cluster";

/// Licence of the operator.
pub const LICENSES: &str = "Apache-2.0";

/// The source that an image was built from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The commit; with `-dirty` if the work tree differs from it.
    pub revision: String,
    /// The time of the commit. All times in the image are this one, so that two builds are equal.
    pub created: Timestamp,
}

/// Returns the annotations of an image from this source. No address is among them: the project has no public one yet.
#[must_use]
pub fn annotations(source: &Source) -> HashMap<String, String> {
    let created = source.created.to_string();
    let all = [
        (ANNOTATION_TITLE, TITLE),
        (ANNOTATION_DESCRIPTION, DESCRIPTION),
        (ANNOTATION_VERSION, VERSION),
        (ANNOTATION_REVISION, &source.revision),
        (ANNOTATION_LICENSES, LICENSES),
        (ANNOTATION_CREATED, &created),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
