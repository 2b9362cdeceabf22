//! `operator_sdk.util.osdk_metric`: a metric of a role's own (`plugins/modules/osdk_metric.py`). Within an
//! operator the figure goes to its metrics directly.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::user_metrics::{KINDS, UserMetrics};
use crate::http::Request;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct OsdkMetric;

/// Where ansible-operator takes metrics.
const ADDRESS: &str = "http://localhost:5050/metrics";
const OBSERVE: &[Opt] = &[Opt::new("observe", Kind::Float)];

pub(super) static SPEC: Spec = Spec {
    requirements: &[Requirement::MutuallyExclusive(&KINDS), Requirement::OneOf(&KINDS)],
    ..Spec::new(
        "operator_sdk.util.osdk_metric",
        &[
            Opt::str("name").required(),
            Opt::str("description").required(),
            Opt::str("address").default(ADDRESS),
            Opt::new("counter", Kind::Dict)
                .options(&[Opt::new("increment", Kind::Bool), Opt::new("add", Kind::Float)]),
            Opt::new("gauge", Kind::Dict).options(&[
                Opt::new("set", Kind::Float),
                Opt::new("increment", Kind::Bool),
                Opt::new("decrement", Kind::Bool),
                Opt::new("set_to_current_time", Kind::Bool),
                Opt::new("add", Kind::Float),
                Opt::new("subtract", Kind::Float),
            ]),
            Opt::new("histogram", Kind::Dict).options(OBSERVE),
            Opt::new("summary", Kind::Dict).options(OBSERVE),
        ],
    )
};

#[async_trait]
impl Module for OsdkMetric {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let (name, description) =
            (args.str("name").unwrap_or_default(), args.str("description").unwrap_or_default());
        let given = KINDS.iter().find_map(|kind| Some((*kind, args.json(kind)?)));
        let (kind, change) = given.unwrap_or(("counter", Value::Null));
        if context.check {
            return Ok(TaskResult::changed(true));
        }
        let metric = json!({"name": name, "description": description, kind: change});
        match context.extensions.get::<UserMetrics>() {
            Some(metrics) if args.str("address") == Some(ADDRESS) => {
                metrics.record_sent(&metric).map_err(ModuleError::new)?;
            }
            _ => post(args.str("address").unwrap_or(ADDRESS), &metric).await?,
        }
        Ok(TaskResult::changed(true))
    }
}

/// Tells the figure to whoever takes metrics at the address.
async fn post(address: &str, metric: &Value) -> Result<(), ModuleError> {
    let request = Request {
        method: "POST".to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: Some(metric.to_string().into_bytes()),
        ..Request::get(address)
    };
    let response = request.send().await.map_err(|error| ModuleError::new(format!("{address}: {error}")))?;
    if response.status() == 200 {
        return Ok(());
    }
    let message = format!("{address}: HTTP Error {}: {}", response.status(), response.reason());
    Err(ModuleError::new(message).with("status_code", i64::from(response.status())))
}
