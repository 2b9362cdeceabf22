//! `.Capabilities` as templates see it.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::record::{Field, Method, Record};
use super::{Capabilities, Compat, HelmVersion, KubeVersion};
use crate::gotmpl::{Elem, FuncError, List, Object, Param, Signature, Value};

/// `.Capabilities`.
pub(super) fn value(capabilities: &Arc<Capabilities>, compat: Compat) -> Value {
    let type_name = match compat {
        Compat::V3 => "*chartutil.Capabilities",
        Compat::V4 => "*common.Capabilities",
    };
    let versions = VersionSet { capabilities: Arc::clone(capabilities), compat };
    Record {
        type_name,
        fields: vec![
            Field::new("KubeVersion", kube_version(&capabilities.kube_version, compat)),
            Field::new("APIVersions", Value::Object(Rc::new(versions))),
            Field::new("HelmVersion", helm_version(&capabilities.helm_version, compat)),
        ],
        methods: &[],
    }
    .into_value()
}

/// In Helm 4 the text of a version is the normalised one.
const METHODS_V4: &[Method] = &[
    ("String", |record| record.fields[1].value.clone()),
    ("GitVersion", |record| record.fields[0].value.clone()),
];
const METHODS_V3: &[Method] = &[
    ("String", |record| record.fields[0].value.clone()),
    ("GitVersion", |record| record.fields[0].value.clone()),
];

fn kube_version(version: &KubeVersion, compat: Compat) -> Value {
    let field = |name, text: &str| Field::new(name, Value::Str(text.into()));
    let mut fields = vec![field("Version", &version.version)];
    if compat == Compat::V4 {
        fields.push(field("normalizedVersion", &version.normalized));
    }
    fields.extend([field("Major", &version.major), field("Minor", &version.minor)]);
    let (type_name, methods) = match compat {
        Compat::V3 => ("chartutil.KubeVersion", METHODS_V3),
        Compat::V4 => ("common.KubeVersion", METHODS_V4),
    };
    Record { type_name, fields, methods }.into_value()
}

fn helm_version(helm: &HelmVersion, compat: Compat) -> Value {
    let mut fields = vec![
        Field::tagged("Version", "version", Value::Str(helm.version.into())),
        Field::tagged("GitCommit", "git_commit", Value::Str(helm.git_commit.into())),
        Field::tagged("GitTreeState", "git_tree_state", Value::Str(helm.git_tree_state.into())),
        Field::tagged("GoVersion", "go_version", Value::Str(helm.go_version.into())),
    ];
    if compat == Compat::V4 {
        let value = Value::Str(helm.kube_client_version.into());
        fields.push(Field::tagged("KubeClientVersion", "kube_client_version", value));
    }
    Record { type_name: "version.BuildInfo", fields, methods: &[] }.into_value()
}

/// `.Capabilities.APIVersions`.
#[derive(Debug)]
struct VersionSet {
    capabilities: Arc<Capabilities>,
    compat: Compat,
}

impl VersionSet {
    fn texts(&self) -> Vec<Value> {
        self.capabilities.api_versions.iter().map(|version| Value::Str(version.as_str().into())).collect()
    }
}

impl Object for VersionSet {
    fn type_name(&self) -> Cow<'_, str> {
        match self.compat {
            Compat::V3 => "chartutil.VersionSet",
            Compat::V4 => "common.VersionSet",
        }
        .into()
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn display(&self) -> Cow<'_, str> {
        format!("[{}]", self.capabilities.api_versions.join(" ")).into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(Signature { params: &[Param::Str], variadic: None })
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FuncError>> {
        match (name, args.first()) {
            ("Has", Some(Value::Str(wanted))) => Some(Ok(Value::Bool(
                self.capabilities.api_versions.iter().any(|version| version.as_bytes() == &**wanted),
            ))),
            _ => None,
        }
    }

    fn truth(&self) -> bool {
        !self.capabilities.api_versions.is_empty()
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        Some((0_i64..).map(Value::Int).zip(self.texts()).collect())
    }

    fn to_plain(&self) -> Value {
        Value::List(List::new(Elem::Str, self.texts()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
