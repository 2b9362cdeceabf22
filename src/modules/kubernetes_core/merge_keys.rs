//! Lists whose elements are told apart by one of their fields, as client-side apply and diffs of
//! kubernetes.core know them (`module_utils/apply.py`; the API's `patchMergeKey`).
//!
//! Unlike there, CronJobs are among them (upstream's table misspells the kind), and a list of which two
//! elements have the same key, such as a port for TCP and UDP, is compared as a whole (upstream loses one).

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Keys of lists at these places.
const PLACES: &[(&str, &str)] = &[
    ("Service.spec.ports", "port"),
    ("ServiceAccount.secrets", "name"),
    ("ValidatingWebhookConfiguration.webhooks", "name"),
    ("MutatingWebhookConfiguration.webhooks", "name"),
];

/// Where pod specs are.
const POD_SPECS: &[&str] = &[
    "Pod.spec",
    "Deployment.spec.template.spec",
    "DaemonSet.spec.template.spec",
    "StatefulSet.spec.template.spec",
    "Job.spec.template.spec",
    "CronJob.spec.jobTemplate.spec.template.spec",
];

/// Keys of lists in a pod spec.
const IN_POD_SPEC: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("imagePullSecrets", "name"),
];

/// The lists of containers in a pod spec, and keys of lists in a container.
const CONTAINERS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];
const IN_CONTAINER: &[(&str, &str)] = &[
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("env", "name"),
    ("ports", "containerPort"),
];

/// The field that tells the elements of the list at this place apart (`Deployment.spec.template.spec.containers`).
pub(super) fn merge_key(place: &str) -> Option<&'static str> {
    let find = |table: &[(&str, &'static str)], name: &str| {
        table.iter().find(|(place, _)| *place == name).map(|(_, key)| *key)
    };
    if let Some(key) = find(PLACES, place) {
        return Some(key);
    }
    let inside = POD_SPECS.iter().find_map(|spec| place.strip_prefix(spec)?.strip_prefix('.'))?;
    match inside.split_once('.') {
        None => find(IN_POD_SPEC, inside),
        Some((list, field)) if CONTAINERS.contains(&list) => find(IN_CONTAINER, field),
        Some(_) => None,
    }
}

/// The elements of a list by their key; `None` when they cannot be told apart.
pub(super) fn keyed<'a>(list: &'a [Value], key: &str) -> Option<HashMap<String, &'a Map<String, Value>>> {
    let mut elements = HashMap::with_capacity(list.len());
    for element in list {
        let element = element.as_object()?;
        if elements.insert(element.get(key)?.to_string(), element).is_some() {
            return None;
        }
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_keys() {
        assert_eq!(merge_key("Service.spec.ports"), Some("port"));
        assert_eq!(merge_key("Deployment.spec.template.spec.containers"), Some("name"));
        assert_eq!(
            merge_key("CronJob.spec.jobTemplate.spec.template.spec.initContainers.ports"),
            Some("containerPort")
        );
        assert_eq!(merge_key("Deployment.spec.template.spec.tolerations"), None);
        assert_eq!(merge_key("ConfigMap.data"), None);
    }
}
