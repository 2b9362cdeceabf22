//! What a rendering depends on, as one digest: equal digests need no rendering.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, Spec};
use crate::chart::{Capabilities, Chart, Compat, KubeVersion};
use crate::cluster::Client;

/// Changes when the way of rendering or marking objects changes, so that a new program looks again.
const FORMAT: &str = "1";

/// The digest of everything that a release is rendered from.
///
/// The list of API versions counts only for charts that mention it, so that a new CRD somewhere in
/// the cluster does not touch the others.
#[must_use]
pub fn inputs(spec: &Spec) -> String {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for text in [FORMAT, &spec.name, &spec.namespace, spec.chart.digest()] {
        part(text);
    }
    part(&Value::Object(spec.values.clone()).to_string());
    part(&spec.capabilities.kube_version.version);
    if asks_for_api_versions(&spec.chart) {
        spec.capabilities.api_versions.iter().for_each(|version| part(version));
    }
    if let Some(owner) = &spec.owner {
        part(&owner.uid);
    }
    for (key, value) in &spec.labels {
        part(key);
        part(value);
    }
    hex::encode(hasher.finalize())
}

fn asks_for_api_versions(chart: &Chart) -> bool {
    fn any(contents: &crate::chart::Contents) -> bool {
        let mentions =
            |data: &[u8]| data.windows(b"APIVersions".len()).any(|window| window == b"APIVersions");
        contents.templates.iter().any(|file| mentions(&file.data))
            || contents.subcharts.iter().any(|chart| any(chart))
    }
    any(chart.contents())
}

/// What charts may know of this cluster.
///
/// # Errors
/// When the cluster cannot be asked, or tells a version that is none.
pub async fn capabilities(client: &Client, compat: Compat) -> Result<Capabilities, Error> {
    let version = client.server_version().await?;
    let mut kube_version = KubeVersion::parse(&version.git_version)?;
    kube_version.major = version.major;
    kube_version.minor = version.minor;
    let api_versions = client.api_versions().await?;
    Ok(Capabilities { kube_version, api_versions, ..Capabilities::default_of(compat) })
}
