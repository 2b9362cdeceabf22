//! The lookups `k8s`, which reads objects, and `kustomize`, which is refused
//! (`plugins/lookup/k8s.py`, `plugins/lookup/kustomize.py`).

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::connection::Connection;
use super::super::session::{Session, failure};
use super::k8s_cluster_info::server_version;
use super::waiter::{Seen, Wanted};
use crate::cluster::{ListQuery, Object};
use crate::jinja::lookups::{Lookup, Options, wait};
use crate::jinja::{Error, Plugins, Templar, Value, convert, search, yaml};
use crate::modules::result::ModuleError;

/// Adds the plugins of this collection.
pub(super) fn register(plugins: &mut Plugins) {
    plugins.add_filters(&[("k8s_config_resource_name", super::config_hash::resource_name)]);
    plugins.add_lookup("k8s", Arc::new(K8sLookup));
    plugins.add_lookup("kustomize", Arc::new(Kustomize));
}

/// `lookup('kubernetes.core.k8s', kind=…, resource_name=…)`.
struct K8sLookup;

impl Lookup for K8sLookup {
    fn run(&self, _: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let own = templar.env.extensions.get::<Session>();
        let connection = Connection::of_lookup(&|name| options.get(name).map(convert::to_json));
        let definition = definition(&options, templar)?;
        let work = async {
            let session = connection.session(own).await?;
            found(&session, &options, &definition).await
        };
        let found = wait(templar, work)?.map_err(|error| Error::plugin(error.to_string()))?;
        Ok(found.into_iter().map(convert::from_json).collect())
    }
}

/// The object that `resource_definition` or `src` holds; an empty one without them.
fn definition(options: &Options, templar: &Templar) -> Result<Object, Error> {
    let given = match (options.get("resource_definition"), options.text("src")) {
        (Some(given), _) if !given.is_none() => given.clone(),
        (_, Some(src)) => {
            let path = crate::modules::expand_path(&src);
            let path = search::find(&templar.search_path(), "files", path.as_ref())?;
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Error::plugin(format!("cannot read {}: {error}", path.display())))?;
            Value::from(text)
        }
        _ => return Ok(Object::default()),
    };
    let given = match given {
        Value::Str(text) => yaml::load_all(text.as_str())?.into_iter().next().unwrap_or(Value::None),
        other => other,
    };
    Ok(Object(convert::to_json(&given)))
}

async fn found(session: &Session, options: &Options, definition: &Object) -> Result<Vec<Json>, ModuleError> {
    match options.text("cluster_info").as_deref() {
        Some("version") => return Ok(vec![server_version(&session.client).await?]),
        Some("api_groups") => {
            let all = session.client.all_resources().await;
            let all = all.map_err(|error| failure("Failed to discover the kinds of the cluster", &error))?;
            let mut groups: Vec<&str> = all
                .iter()
                .map(|resource| resource.group.as_str())
                .filter(|group| !group.is_empty())
                .collect();
            groups.dedup();
            return Ok(vec![serde_json::json!(groups)]);
        }
        Some(other) => {
            return Err(ModuleError::new(format!("cluster_info is neither version nor api_groups: {other}")));
        }
        None => {}
    }
    let of = |field: &str, option: &str| {
        (!field.is_empty())
            .then(|| field.to_owned())
            .or_else(|| options.text(option).filter(|text| !text.is_empty()))
    };
    let kind = of(definition.kind(), "kind").ok_or_else(|| {
        ModuleError::new(
            "Error: no Kind specified. Use the 'kind' parameter, or provide an object YAML configuration using the 'resource_definition' parameter.",
        )
    })?;
    let api_version = of(definition.api_version(), "api_version").unwrap_or_else(|| "v1".to_owned());
    let resource = session.resource(&api_version, &kind).await?;
    let (name, namespace) =
        (of(definition.name(), "resource_name"), of(definition.namespace().unwrap_or_default(), "namespace"));
    let selector = |name: &str| options.text(name).filter(|text| !text.is_empty());
    let query = ListQuery {
        labels: selector("label_selector"),
        fields: selector("field_selector"),
        metadata_only: false,
    };
    let wanted =
        Wanted { resource: &resource, namespace: namespace.as_deref(), name: name.as_deref(), query: &query };
    let seen =
        wanted.look(session).await.map_err(|error| failure("Failed to retrieve requested object", &error))?;
    Ok(match seen {
        Seen::One(object) => object.into_iter().map(|object| object.0).collect(),
        Seen::Many(objects) => objects.into_iter().map(|object| object.0).collect(),
    })
}

/// `lookup('kubernetes.core.kustomize', …)`.
struct Kustomize;

impl Lookup for Kustomize {
    fn run(&self, _: Vec<Value>, _: Options, _: &Templar) -> Result<Vec<Value>, Error> {
        Err(Error::plugin(
            "the lookup kustomize runs the program kustomize, which is not part of daytwo: render beforehand with \
             `kubectl kustomize DIR > files/NAME.yaml` and use `src: NAME.yaml`, or make it a chart",
        ))
    }
}
