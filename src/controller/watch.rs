//! What all watches have in common.

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PartialObjectMeta;
use kube::runtime::watcher;
use tracing::debug;

/// Annotations may hold the very values (`last-applied-configuration`), and nobody here needs them.
pub(crate) fn forget_values(secret: &mut PartialObjectMeta<Secret>) {
    secret.metadata.annotations = None;
    secret.metadata.managed_fields = None;
}

/// A watch that fails is begun anew by kube, after its own pause; here it is only told.
pub(crate) fn logged<T>(
    kind: &'static str,
    stream: impl Stream<Item = Result<T, watcher::Error>> + Send + 'static,
) -> impl Stream<Item = T> + Send + 'static
where
    T: Send + 'static,
{
    stream.filter_map(move |item| async move {
        item.inspect_err(|error| debug!(kind, %error, "the watch is begun anew")).ok()
    })
}
