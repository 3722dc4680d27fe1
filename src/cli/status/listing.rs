//! The tenants and keys that the user may see.

use kube::api::{DynamicObject, ListParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::cluster::{Access, Cluster, Failure, Kind};
use crate::names::GROUP;

/// Maximum number of objects in one answer of the API server.
const PAGE: u32 = 500;

/// The tenants and keys that the user may see, in the order of their names.
pub(super) struct Listing {
    /// The tenants. None if the user may not list them.
    pub(super) tenants: Option<Vec<DynamicObject>>,
    /// The keys.
    pub(super) keys: Vec<DynamicObject>,
    /// The namespace of the keys. None means all namespaces.
    pub(super) namespace: Option<String>,
    /// True if all namespaces were asked for, and the user may not list them.
    is_narrowed: bool,
}

/// Reads the keys of the chosen namespace or, if that is asked for and allowed, of all namespaces.
pub(super) async fn read(cluster: &Cluster, all: bool, selector: Option<&str>) -> Result<Listing, Failure> {
    let tenants = match list(cluster, Kind::Tenants, None, selector).await {
        Ok(tenants) => Some(tenants),
        Err(failure) if failure.is_forbidden() => None,
        Err(failure) => return Err(failure),
    };
    let everywhere = if all { Some(list(cluster, Kind::Keys, None, selector).await) } else { None };
    let is_narrowed = matches!(&everywhere, Some(Err(failure)) if failure.is_forbidden());
    let (keys, namespace) = match everywhere {
        Some(keys) if !is_narrowed => (keys?, None),
        Some(_) | None => {
            let namespace = &cluster.namespace;
            (list(cluster, Kind::Keys, Some(namespace), selector).await?, Some(namespace.clone()))
        }
    };
    let selection = Listing { tenants: None, keys: Vec::new(), namespace, is_narrowed };
    Ok(selection.with(tenants, keys))
}

async fn list(
    cluster: &Cluster,
    kind: Kind,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> Result<Vec<DynamicObject>, Failure> {
    let api = cluster.objects(kind, namespace);
    let mut params = ListParams::default().limit(PAGE);
    params.label_selector = selector.map(str::to_owned);
    let mut objects = Vec::new();
    loop {
        let access = Access { verb: "list", kind, namespace: namespace.map(str::to_owned) };
        let page = cluster.call(access, api.list(&params)).await?;
        objects.extend(page.items);
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            return Ok(objects);
        }
    }
}

impl Listing {
    /// Returns the same selection with other objects.
    pub(super) fn with(&self, mut tenants: Option<Vec<DynamicObject>>, mut keys: Vec<DynamicObject>) -> Self {
        for objects in tenants.iter_mut().chain([&mut keys]) {
            objects.sort_by_key(|object| (object.namespace(), object.name_any()));
        }
        Self { tenants, keys, namespace: self.namespace.clone(), is_narrowed: self.is_narrowed }
    }

    /// Returns a selection that nothing was refused for, but the tenants if there are none.
    #[cfg(test)]
    pub(super) fn new(tenants: Option<Vec<DynamicObject>>, keys: Vec<DynamicObject>, namespace: Option<&str>) -> Self {
        Self { tenants, keys, namespace: namespace.map(str::to_owned), is_narrowed: false }
    }

    /// Says what is left out, and why.
    pub(super) fn notes(&self) -> Vec<String> {
        let refused = |kind, shown: &str| {
            let access = Access { verb: "list", kind, namespace: None };
            format!("you may not {access} ({}): {shown}", access.role())
        };
        let tenants = self.tenants.is_none().then(|| refused(Kind::Tenants, "the tenants are left out"));
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let shown = format!("only the keys of namespace \"{namespace}\" are shown");
        let keys = self.is_narrowed.then(|| refused(Kind::Keys, &shown));
        let none = self.keys.is_empty().then(|| match &self.namespace {
            Some(namespace) => format!("no ALMServiceKey found in namespace \"{namespace}\""),
            None => "no ALMServiceKey found".to_owned(),
        });
        tenants.into_iter().chain(keys).chain(none).collect()
    }

    /// Returns the name of an object, with its namespace if those of several are listed.
    pub(super) fn name_of(&self, object: &DynamicObject, kind: Kind) -> String {
        let namespace = object.namespace().filter(|_| self.namespace.is_none());
        let namespace = namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        format!("{}/{}{namespace}", singular(kind), object.name_any())
    }

    /// Returns the names of all objects, as kubectl writes them.
    pub(super) fn names(&self) -> String {
        let tenants = self.tenants.iter().flatten().map(|tenant| (Kind::Tenants, tenant));
        let keys = self.keys.iter().map(|key| (Kind::Keys, key));
        let line =
            |(kind, object): (Kind, &DynamicObject)| format!("{}.{GROUP}/{}\n", singular(kind), object.name_any());
        tenants.chain(keys).map(line).collect()
    }

    /// Returns all objects as a list, as kubectl prints it.
    pub(super) fn to_json(&self) -> Value {
        let objects = self.tenants.iter().flatten().chain(&self.keys);
        let items: Vec<_> = objects.map(|object| DynamicObject { metadata: shown(object), ..object.clone() }).collect();
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }
}

/// Returns the name of a kind, as kubectl writes it before a name.
fn singular(kind: Kind) -> String {
    kind.resource().kind.to_ascii_lowercase()
}

/// Decodes an object; none if this program does not know its form.
pub(super) fn parse<K: Resource<DynamicType = ()> + DeserializeOwned>(object: &DynamicObject) -> Option<K> {
    object.clone().try_parse().ok()
}

/// Returns metadata without the managers of fields, which kubectl does not show either.
fn shown(object: &DynamicObject) -> kube::api::ObjectMeta {
    kube::api::ObjectMeta { managed_fields: None, ..object.metadata.clone() }
}
