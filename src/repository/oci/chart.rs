//! Charts as registries hold them: a manifest, the chart's metadata as its config, the archive as a layer.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::registry::{INDEX, MANIFEST, Manifest};
use super::{Reference, Registry};
use crate::chart::Metadata;
use crate::repository::cache::Digest;
use crate::repository::transport::LARGE;
use crate::repository::{Error, go_json};

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// What Helm called charts at first.
const OLD_CHART: &str = "application/tar+gzip";

const UNDERSCORES: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.";

/// The fields of a manifest or of an index, in the order in which Go writes them.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    schema_version: u32,
    #[serde(skip_serializing)]
    media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    #[serde(skip_serializing)]
    manifests: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl Descriptor {
    fn of(media_type: &str, data: &[u8]) -> Self {
        let digest = Digest::of(data).to_string();
        Self { media_type: media_type.to_owned(), digest, size: data.len() as u64 }
    }

    fn digest(&self) -> Result<Digest, Error> {
        Digest::parse(&self.digest)?
            .ok_or_else(|| Error::Refused("a descriptor of the manifest has no digest".into()))
    }
}

/// A chart out of a registry.
pub(in crate::repository) struct Pulled {
    /// The archive.
    pub(in crate::repository) chart: Vec<u8>,
    /// The provenance file, if it was asked for and is there.
    pub(in crate::repository) provenance: Option<Vec<u8>>,
    /// What a person should know.
    pub(in crate::repository) messages: Vec<String>,
}

impl Registry {
    /// Fetches a chart; `known` may give the archive of a digest that is on this machine already.
    pub(in crate::repository) async fn pull(
        &self,
        reference: &Reference,
        wants_provenance: bool,
        known: impl Fn(Digest) -> Option<Vec<u8>>,
    ) -> Result<Pulled, Error> {
        let (content, digest) = self.chart_manifest(reference).await?;
        let layer =
            |kinds: &[&str]| content.layers.iter().find(|layer| kinds.contains(&layer.media_type.as_str()));
        let chart = layer(&[CHART, OLD_CHART]).ok_or_else(|| {
            Error::NotFound(format!("manifest does not contain a layer with mediatype {CHART}"))
        })?;
        if chart.size > LARGE {
            return Err(Error::TooLarge { url: format!("oci://{reference}"), limit: LARGE });
        }
        let mut messages = Vec::new();
        if chart.media_type == OLD_CHART {
            messages.push(format!("Warning: chart media type {OLD_CHART} is deprecated"));
        }
        let archive = match known(chart.digest()?) {
            Some(archive) => archive,
            None => self.blob(reference, chart.digest()?).await?,
        };
        let provenance = match layer(&[PROVENANCE]).filter(|_| wants_provenance) {
            Some(layer) => Some(self.blob(reference, layer.digest()?).await?),
            None => None,
        };
        messages.extend(told("Pulled", reference, digest));
        Ok(Pulled { chart: archive, provenance, messages })
    }

    /// The manifest of a chart and its digest; an index is searched for one.
    async fn chart_manifest(&self, reference: &Reference) -> Result<(Content, Digest), Error> {
        let manifest = self.manifest(reference).await?;
        let content = read(&manifest, reference)?;
        if manifest.media_type != INDEX && content.media_type != INDEX {
            return is_chart(&content).then_some((content, manifest.digest)).ok_or_else(no_chart);
        }
        for descriptor in content.manifests.iter().filter(|own| own.media_type == MANIFEST) {
            let inner = Reference { digest: Some(descriptor.digest.clone()), ..reference.clone() };
            let inner = read(&self.manifest(&inner).await?, reference)?;
            if is_chart(&inner) {
                return Ok((inner, manifest.digest));
            }
        }
        Err(no_chart())
    }

    /// Uploads a chart; what to tell of it.
    pub(in crate::repository) async fn push(
        &self,
        reference: &Reference,
        chart: &[u8],
        provenance: Option<&[u8]>,
        metadata: &Metadata,
        created: SystemTime,
    ) -> Result<Vec<String>, Error> {
        let config = go_json::encode(metadata);
        let mut layers = vec![Descriptor::of(CHART, chart)];
        layers.extend(provenance.map(|data| Descriptor::of(PROVENANCE, data)));
        layers.sort_by(|a, b| a.digest.cmp(&b.digest));
        let content = Content {
            schema_version: 2,
            config: Some(Descriptor::of(CONFIG, config.as_bytes())),
            layers,
            annotations: annotations(metadata, created),
            ..Content::default()
        };
        let manifest = go_json::encode(&content);
        let blobs = [chart, config.as_bytes()].into_iter().chain(provenance);
        for blob in blobs {
            self.put_blob(reference, blob).await?;
        }
        self.put_manifest(reference, &manifest).await?;
        Ok(told("Pushed", reference, Digest::of(manifest.as_bytes())))
    }
}

fn read(manifest: &Manifest, reference: &Reference) -> Result<Content, Error> {
    serde_json::from_slice(&manifest.data).map_err(|error| Error::Malformed {
        what: format!("the manifest of {reference}"),
        message: error.to_string(),
    })
}

fn is_chart(content: &Content) -> bool {
    content.config.as_ref().is_some_and(|config| config.media_type == CONFIG)
}

fn no_chart() -> Error {
    Error::NotFound(format!("could not load config with mediatype {CONFIG}"))
}

fn told(what: &str, reference: &Reference, digest: Digest) -> Vec<String> {
    let mut lines = vec![format!("{what}: {reference}"), format!("Digest: {digest}")];
    if reference.to_string().contains('_') {
        lines.push(format!("{reference} contains an underscore."));
        lines.push(UNDERSCORES.to_owned());
    }
    lines
}

/// The annotations of a chart's manifest; those of the chart win, except over its title and version.
fn annotations(metadata: &Metadata, created: SystemTime) -> BTreeMap<String, String> {
    let people = metadata.maintainers.iter().map(|person| match person.email.as_str() {
        "" => person.name.clone(),
        email => format!("{} ({email})", person.name),
    });
    let created = Timestamp::try_from(created).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let own = [
        ("description", metadata.description.clone()),
        ("title", metadata.name.clone()),
        ("version", metadata.version.clone()),
        ("url", metadata.home.clone()),
        ("created", created),
        ("source", metadata.sources.first().cloned().unwrap_or_default()),
        ("authors", people.collect::<Vec<_>>().join(", ")),
    ];
    let name = |name: &str| format!("org.opencontainers.image.{name}");
    let mut all: BTreeMap<String, String> = own
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(own, value)| (name(own), value))
        .collect();
    for (key, value) in metadata.annotations.iter().flatten() {
        if *key != name("title") && *key != name("version") {
            all.insert(key.clone(), value.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_written_as_helm_writes_them() {
        let metadata = Metadata::from_entry(&serde_json::json!({
            "name": "a", "version": "1.0.0+b", "apiVersion": "v2", "description": "<x>", "sources": ["s", "t"],
            "maintainers": [{"name": "n", "email": "e"}, {"name": "m"}],
            "annotations": {"k": "v", "org.opencontainers.image.title": "other"},
        }))
        .unwrap();
        let config = go_json::encode(&metadata);
        assert_eq!(
            config,
            concat!(
                r#"{"name":"a","sources":["s","t"],"version":"1.0.0+b","description":"\u003cx\u003e","#,
                r#""maintainers":[{"name":"n","email":"e"},{"name":"m"}],"apiVersion":"v2","#,
                r#""annotations":{"k":"v","org.opencontainers.image.title":"other"}}"#
            )
        );
        let content = Content {
            schema_version: 2,
            config: Some(Descriptor::of(CONFIG, b"")),
            layers: vec![Descriptor::of(CHART, b"a")],
            annotations: annotations(&metadata, SystemTime::UNIX_EPOCH),
            ..Content::default()
        };
        assert_eq!(
            go_json::encode(&content),
            concat!(
                r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","#,
                r#""digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},"#,
                r#""layers":[{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","#,
                r#""digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","size":1}],"#,
                r#""annotations":{"k":"v","org.opencontainers.image.authors":"n (e), m","#,
                r#""org.opencontainers.image.created":"1970-01-01T00:00:00Z","#,
                r#""org.opencontainers.image.description":"\u003cx\u003e","#,
                r#""org.opencontainers.image.source":"s","org.opencontainers.image.title":"a","#,
                r#""org.opencontainers.image.version":"1.0.0+b"}}"#
            )
        );
    }
}
