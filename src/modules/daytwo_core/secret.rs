//! `daytwo.core.secret`: values that are generated once and kept.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::{Object, Patch, Reason, Resource, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Kind, Opt, Spec};

/// The module.
pub(super) struct Secret;

/// What generated values are made of.
const ALPHABETS: &[(&str, &str)] = &[
    ("letters_digits", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
    ("digits", "0123456789"),
    ("hex", "0123456789abcdef"),
];
/// Longest value that is generated.
const LONGEST: i64 = 4096;

const GENERATED: &[Opt] = &[
    Opt::str("key").required().doc("The key in the Secret."),
    Opt::new("length", Kind::Int).default("24").doc("How many characters."),
    Opt::str("alphabet")
        .default("letters_digits")
        .choices(&["letters_digits", "digits", "hex"])
        .doc("What the value is made of."),
];

const COPIED: &[Opt] = &[
    Opt::str("key").required().doc("The key in this Secret."),
    Opt::str("from_name").required().doc("The other Secret, in the same namespace."),
    Opt::str("from_key").doc("The key in it; the same unless given."),
];

pub(super) static SPEC: Spec = Spec {
    doc: Doc {
        text: "Makes sure that a Secret has certain keys: generated once and kept, given, or copied.\n\n\
            A value under `generate` is made only when the key is missing, so passwords survive every later \
            run. A value under `copy` becomes that of the other Secret whenever they differ. Keys that are \
            not named stay as they are. No value ever reaches the result, the log or the diff. The Secret \
            belongs to the resource of the run unless `keep` is set: then it outlives it, as the data does \
            that its password opens.",
        returns: &[
            ("name", "name of the Secret"),
            ("keys", "the keys that it has"),
            ("written", "the keys that this run wrote"),
        ],
        examples: "- name: A password for root, made once\n  \
            daytwo.core.secret:\n    \
              name: db-root\n    \
              namespace: shop\n    \
              generate:\n      \
                - key: password\n        \
                  length: 32\n    \
              keep: true\n\n\
            - name: The new password becomes the password\n  \
            daytwo.core.secret:\n    \
              name: db-root\n    \
              namespace: shop\n    \
              copy:\n      \
                - key: password\n        \
                  from_name: db-root-next\n",
    },
    ..Spec::new(
        "daytwo.core.secret",
        &[
            Opt::str("name").required().doc("Name of the Secret."),
            Opt::str("namespace").doc("Its namespace; that of the connection unless given."),
            Opt::new("generate", Kind::List).options(GENERATED).doc("Values that are made when missing."),
            Opt::new("copy", Kind::List).options(COPIED).doc("Values of other Secrets."),
            Opt::new("data", Kind::Dict).no_log().doc("Values that are given: `key: text`."),
            Opt::new("labels", Kind::Dict).doc("Labels of a Secret that is made."),
            Opt::flag("keep").doc("Let the Secret outlive the resource of the run."),
        ],
    )
};

#[async_trait]
impl Module for Secret {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::here(context).await?;
        let resource = session.resource("v1", "Secret").await?;
        let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
        let target = Target::new(&resource, Some(namespace), args.str("name").unwrap_or_default());
        let existing = read(&session, target).await?;
        let before = existing.as_ref().map(data).unwrap_or_default();
        let after = wanted(&session, &resource, namespace, &args, &before).await?;
        let written: Vec<&String> =
            after.iter().filter(|(key, value)| before.get(*key) != Some(value)).map(|(key, _)| key).collect();
        let changed = existing.is_none() || !written.is_empty();
        if changed {
            write(context, &session, target, existing.as_ref(), &after, &args).await?;
        }
        if let Some(existing) = &existing {
            session.remember(existing, &resource);
        }
        let keys: Vec<&String> = after.keys().collect();
        let mut result = TaskResult::changed(changed)
            .with("name", target.name)
            .with_json("keys", json!(keys))
            .with_json("written", json!(written));
        if context.diff {
            let before: Vec<&String> = before.keys().collect();
            result = result.with_json("diff", json!({"before": {"keys": before}, "after": {"keys": keys}}));
        }
        Ok(result)
    }
}

async fn read(session: &Session, target: Target<'_>) -> Result<Option<Object>, ModuleError> {
    let found = session.client.get(target).await;
    found.map_err(|error| failure(&format!("failed to read the Secret {}", target.name), &error))
}

/// The data of a Secret, as the API holds it: base64.
fn data(secret: &Object) -> Map<String, Value> {
    secret.field("data").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The data that the Secret is to have.
async fn wanted(
    session: &Session,
    resource: &Resource,
    namespace: &str,
    args: &Args,
    before: &Map<String, Value>,
) -> Result<Map<String, Value>, ModuleError> {
    let mut data_wanted = before.clone();
    let list = |name: &str| args.json(name).and_then(|list| list.as_array().cloned()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for entry in list("generate") {
        let key = text(&entry["key"]);
        if !data_wanted.contains_key(&key) {
            let length = entry["length"].as_i64().unwrap_or(24);
            let value = generated(&key, length, entry["alphabet"].as_str().unwrap_or_default())?;
            data_wanted.insert(key, STANDARD.encode(value).into());
        }
    }
    if let Some(Value::Object(given)) = args.json("data") {
        for (key, value) in given {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            data_wanted.insert(key, STANDARD.encode(plain).into());
        }
    }
    for entry in list("copy") {
        let (key, from) = (text(&entry["key"]), text(&entry["from_name"]));
        let from_key = entry["from_key"].as_str().map_or_else(|| key.clone(), str::to_owned);
        let missing = || ModuleError::new(format!("copy: there is no key {from_key} in a Secret {from}"));
        let source =
            read(session, Target::new(resource, Some(namespace), &from)).await?.ok_or_else(missing)?;
        let value = data(&source).remove(&from_key).ok_or_else(missing)?;
        data_wanted.insert(key, value);
    }
    Ok(data_wanted)
}

fn generated(key: &str, length: i64, alphabet: &str) -> Result<String, ModuleError> {
    let wrong = || ModuleError::new(format!("generate: {key}: length {length} is not from 1 to {LONGEST}"));
    let length = usize::try_from(length).ok().filter(|length| (1..=LONGEST as usize).contains(length));
    let length = length.ok_or_else(wrong)?;
    let characters = ALPHABETS.iter().find(|(name, _)| *name == alphabet).map_or("", |(_, all)| all);
    let mut random = rand::rng();
    let pick = || characters.as_bytes().choose(&mut random).map(|byte| char::from(*byte));
    Ok(std::iter::repeat_with(pick).take(length).flatten().collect())
}

async fn write(
    context: &ModuleContext,
    session: &Session,
    target: Target<'_>,
    existing: Option<&Object>,
    after: &Map<String, Value>,
    args: &Args,
) -> Result<(), ModuleError> {
    let request = Write { manager: FIELD_MANAGER, dry_run: context.check };
    let what = format!("failed to write the Secret {}", target.name);
    if let Some(existing) = existing {
        // Somebody else's change in between is a conflict, not something to write over.
        let version = existing.resource_version();
        let patch = json!({"metadata": {"resourceVersion": version}, "data": after});
        let patched = session.client.patch(target, Patch::Merge, &patch, request).await;
        return patched.map(|_| ()).map_err(|error| failure(&what, &error));
    }
    let mut secret = Object(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": target.name, "namespace": target.namespace},
        "type": "Opaque",
        "data": after,
    }));
    if let Some(Value::Object(labels)) = args.json("labels") {
        for (key, value) in labels {
            secret.set_label(&key, value.as_str().unwrap_or_default());
        }
    }
    if !args.flag("keep") {
        session.own(&mut secret, target.resource);
    }
    match session.client.create(target.resource, target.namespace, &secret, request).await {
        Ok(created) => {
            session.remember(&created, target.resource);
            Ok(())
        }
        Err(error) if error.is(Reason::AlreadyExists) => {
            Err(ModuleError::new(format!("{what}: somebody else made it at the same moment; run again")))
        }
        Err(error) => Err(failure(&what, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_have_the_length_and_the_alphabet() {
        let value = generated("k", 40, "hex").unwrap();
        assert_eq!(value.len(), 40);
        assert!(value.chars().all(|char| char.is_ascii_hexdigit()), "{value}");
        assert_ne!(value, generated("k", 40, "hex").unwrap());
        assert!(generated("k", 0, "hex").is_err());
        assert!(generated("k", 5000, "hex").is_err());
    }
}
