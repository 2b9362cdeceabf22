//! Dumps in a bucket: between it and the client programs stands a scratch volume, and the program itself
//! (`daytwo dump`) brings dumps from one to the other.

use serde_json::{Value, json};

use super::super::super::session::{Session, failure};
use super::super::workload::{Program, optional_secret_variable, secret_variable};
use super::server::DUMPS;
use crate::cluster::{Object, Target};
use crate::modules::result::ModuleError;
use crate::modules::spec::{Args, Kind, Opt};

/// A reference to an access key.
const KEY_SECRET: &[Opt] = &[
    Opt::str("name").required().doc("Name of the Secret."),
    Opt::str("access_key_id").default("AWS_ACCESS_KEY_ID").doc("The key in it of the access key's id."),
    Opt::str("secret_access_key")
        .default("AWS_SECRET_ACCESS_KEY")
        .doc("The key in it of the secret access key."),
    Opt::str("session_token")
        .default("AWS_SESSION_TOKEN")
        .doc("The key in it of the token of temporary credentials, which may be missing."),
    Opt::str("ca_bundle").default("AWS_CA_BUNDLE").doc(
        "The key in it of PEM certificates, which may be missing: the authorities of the store, to trust instead of the \
         public ones.",
    ),
];

/// The arguments of a bucket.
pub(super) const BUCKET: &[Opt] = &[
    Opt::str("bucket").required().doc("The bucket, which must be there."),
    Opt::str("prefix").default("").doc("What stands before the dump's name in it, such as `shop/db`."),
    Opt::str("endpoint").doc("The address of the store; that of AWS in the region unless given."),
    Opt::str("region").default("us-east-1").doc("The region; stores that have none take any."),
    Opt::new("path_style", Kind::Bool).doc(
        "Name the bucket in the path of addresses instead of their host; so it is done where an `endpoint` is given, \
         unless this says otherwise.",
    ),
    Opt::new("secret", Kind::Dict)
        .required()
        .options(KEY_SECRET)
        .doc("The Secret that holds the access key."),
    Opt::str("image").doc("An image with daytwo; the one that the operator itself runs from unless given."),
];

/// Arguments and the flags of `daytwo dump` that they become.
const FLAGS: [(&str, &str); 4] =
    [("bucket", "--bucket"), ("prefix", "--prefix"), ("endpoint", "--endpoint"), ("region", "--region")];

/// The container of the operator, where its pod has more than one.
const MANAGER: &str = "manager";

/// A bucket that dumps are in.
pub(super) struct Store {
    settings: Value,
    /// What has the program, and where.
    image: String,
    program: String,
}

impl Store {
    /// The bucket that the arguments name, if they name one.
    ///
    /// # Errors
    /// Nobody knows an image with the program.
    pub(super) async fn of(session: &Session, args: &Args) -> Result<Option<Self>, ModuleError> {
        let Some(settings) = args.json("s3") else { return Ok(None) };
        let (image, program) = match settings["image"].as_str() {
            Some(image) => (image.to_owned(), "daytwo".to_owned()),
            None => own(session).await?,
        };
        Ok(Some(Self { settings, image, program }))
    }

    /// The program that brings a dump somewhere: `words` of `daytwo dump`.
    pub(super) fn bring(&self, words: &[&str], file: &str) -> Program {
        let settings = &self.settings;
        let mut command = vec![self.program.as_str(), "dump"];
        command.extend(words);
        command.extend(["--directory", DUMPS]);
        for (name, flag) in FLAGS {
            if let Some(value) = settings[name].as_str().filter(|value| !value.is_empty()) {
                command.extend([flag, value]);
            }
        }
        if settings["path_style"].as_bool().unwrap_or(settings["endpoint"].is_string()) {
            command.push("--path-style");
        }
        command.extend(["--", file]);
        let secret = |key: &str| settings["secret"][key].as_str().unwrap_or_default();
        let name = secret("name");
        Program {
            container: vec![("image", self.image.as_str().into()), ("command", json!(command))],
            env: vec![
                secret_variable("AWS_ACCESS_KEY_ID", name, secret("access_key_id")),
                secret_variable("AWS_SECRET_ACCESS_KEY", name, secret("secret_access_key")),
                optional_secret_variable("AWS_SESSION_TOKEN", name, secret("session_token")),
                optional_secret_variable("AWS_CA_BUNDLE", name, secret("ca_bundle")),
            ],
        }
    }
}

/// The image that this program runs from, and its path in there, as its own pod tells.
async fn own(session: &Session) -> Result<(String, String), ModuleError> {
    let unknown = |why: &str| ModuleError::new(format!("s3: {why}: give s3.image, an image with daytwo"));
    // The host of a pod bears the pod's name.
    let pod = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let pod = pod.map_err(|_| unknown("nothing tells which pod the operator runs in"))?;
    let pods = session.client.resource("v1", "Pod").await;
    let pods = pods.map_err(|error| failure("failed to read the operator's pod", &error))?;
    let target = Target::new(&pods, Some(session.client.default_namespace()), &pod);
    let found = session.client.get(target).await;
    let found = found.map_err(|error| unknown(&format!("the operator's pod cannot be read: {error}")))?;
    let image = found
        .as_ref()
        .and_then(image)
        .ok_or_else(|| unknown("the operator runs in no pod that tells its image"))?;
    let program = std::env::current_exe().map_err(|error| unknown(&error.to_string()))?;
    Ok((image, program.display().to_string()))
}

/// The image of the operator's container.
fn image(pod: &Object) -> Option<String> {
    let containers = pod.0.pointer("/spec/containers")?.as_array()?;
    let manager = containers.iter().find(|container| container["name"] == MANAGER);
    Some(manager.or(containers.first())?["image"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_becomes_flags_and_the_key_comes_from_its_secret() {
        let store = |settings| Store { settings, image: "operator:1".into(), program: "/daytwo".into() };
        let secret =
            json!({"name": "key", "access_key_id": "ID", "secret_access_key": "KEY", "session_token": "T"});
        let own = store(
            json!({"bucket": "b", "prefix": "", "region": "r", "endpoint": "http://s3:9000", "secret": secret}),
        );
        let program = own.bring(&["fetch", "--summary"], "a.sql.gz");
        let command = &program.container[1].1;
        let expected = "/daytwo dump fetch --summary --directory /dumps --bucket b --endpoint http://s3:9000 --region r \
            --path-style -- a.sql.gz";
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(command, &json!(expected));
        assert_eq!(program.env[1]["valueFrom"]["secretKeyRef"], json!({"name": "key", "key": "KEY"}));
        let aws = store(json!({"bucket": "b", "path_style": null, "secret": secret}));
        assert!(!aws.bring(&["store"], "a").container[1].1.to_string().contains("path-style"));
    }

    #[test]
    fn the_image_is_that_of_the_managers_container() {
        let pod = |containers: Value| Object(json!({"spec": {"containers": containers}}));
        let sidecar = json!({"name": "proxy", "image": "p"});
        let manager = json!({"name": "manager", "image": "m"});
        assert_eq!(image(&pod(json!([sidecar, manager]))).as_deref(), Some("m"));
        assert_eq!(image(&pod(json!([sidecar]))).as_deref(), Some("p"));
        assert_eq!(image(&pod(json!([]))), None);
    }
}
