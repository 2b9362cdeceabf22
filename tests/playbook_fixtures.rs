//! Runs the playbooks of `tests/fixtures/playbooks` and compares their events with snapshots, once
//! straight through and once with the run stored and read back between any two steps.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use daytwo::executor::{Context, Event, Progress, Run, RunOptions, Status, run_to_end};
use daytwo::inventory::Inventory;
use daytwo::jinja::{Environment, Plugins, Value};
use daytwo::modules::Registry;
use daytwo::modules::external::Library;
use daytwo::playbook::{Content, Options};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/playbooks").join(name)
}

fn load(name: &str) -> (Result<Arc<Content>, String>, Context) {
    let registry = Arc::new(Registry::with(&Library::of(&[fixture("")], &[], &[])));
    let environment = Arc::new(Environment::new(Arc::new(Plugins::builtin())));
    let options = Options::new(Arc::clone(&registry) as Arc<_>, environment);
    let content = Content::load_playbook(&fixture(name), &options);
    (content.map_err(|errors| errors.to_string()), Context { modules: registry, ..Context::default() })
}

/// The events of a run; with `store`, the run is written and read back between any two steps.
async fn events(content: &Arc<Content>, context: &Context, options: RunOptions, store: bool) -> Vec<Event> {
    let mut run = Run::new(Arc::clone(content), serde_json::Map::new(), options);
    let mut events = Vec::new();
    while run.advance(context, &mut events).await.unwrap() == Progress::Stepped {
        if store {
            let stored = serde_json::to_string(&run).unwrap();
            run = serde_json::from_str(&stored).unwrap();
            run.resume(Arc::clone(content)).unwrap();
        }
    }
    events
}

/// Events without what differs from run to run and from place to place.
fn stable(events: &[Event]) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut text = String::new();
    for event in events {
        let mut json = serde_json::to_value(event).unwrap();
        strip(&mut json);
        text.push_str(&json.to_string().replace(root, "<root>"));
        text.push('\n');
    }
    text
}

fn strip(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(map) => {
            for key in ["start", "end", "delta"] {
                map.remove(key);
            }
            map.values_mut().for_each(strip);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

async fn check(name: &str) {
    check_with(name, &RunOptions::default()).await;
}

async fn check_with(name: &str, options: &RunOptions) {
    let (content, context) = load(name);
    let content = content.unwrap();
    let straight = stable(&events(&content, &context, options.clone(), false).await);
    let stored = stable(&events(&content, &context, options.clone(), true).await);
    assert_eq!(straight, stored, "a stored run must go on as if it had not been stored");
    insta::assert_snapshot!(name.trim_end_matches(".yml"), straight);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks() {
    check("blocks.yml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loops() {
    check("loops.yml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles() {
    check("roles.yml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn includes() {
    check("includes.yml").await;
}

/// What the play sees of a role, play by play: `imported`, `included`, each as it is, public and not public.
async fn seen_of_roles(private_role_vars: Option<bool>) -> Vec<String> {
    let (content, context) = load("public_roles.yml");
    let options = RunOptions { private_role_vars, ..RunOptions::default() };
    let events = events(&content.unwrap(), &context, options, true).await;
    let seen = events.iter().filter_map(|event| match event {
        Event::TaskEnd { task, result, .. } if task.name == "see" => result["msg"].as_str(),
        _ => None,
    });
    seen.map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_of_roles() {
    let (seen, hidden) = ("from vars", "hidden");
    let unsaid = [seen, seen, hidden, hidden, seen, hidden];
    assert_eq!(seen_of_roles(None).await, unsaid);
    assert_eq!(seen_of_roles(Some(true)).await, [hidden, seen, hidden, hidden, seen, hidden]);
    assert_eq!(seen_of_roles(Some(false)).await, [seen, seen, hidden, seen, seen, hidden]);
}

/// Hosts that are this machine, and one that is not.
fn hosts(names: &[&str]) -> RunOptions {
    let mut inventory = Inventory::default();
    for name in names {
        let connection = if *name == "far" { "ssh" } else { "local" };
        let vars = [(Arc::from("ansible_connection"), Value::from(connection))];
        inventory.add_host(name, &[], vars.into_iter()).unwrap();
    }
    RunOptions { inventory, ..RunOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_hosts() {
    check_with("hosts.yml", &hosts(&["a", "b", "c"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn free() {
    check_with("free.yml", &hosts(&["a", "b", "far"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs() {
    let (content, context) = load("async.yml");
    let directory = tempfile::tempdir().unwrap();
    let mut extra = serde_json::Map::new();
    extra.insert("directory".to_owned(), directory.path().to_str().unwrap().into());
    let mut run = Run::new(content.unwrap(), extra, hosts(&["a"]));
    let mut events = Vec::new();
    let outcome = run_to_end(&mut run, &context, &mut events).await.unwrap();
    assert_eq!(outcome.status, Status::Ok, "{:?}", outcome.failures);
    assert_eq!(outcome.stats.hosts["a"].ok, 10);
    let told = events.iter().filter(|event| matches!(event, Event::Warning { .. }));
    let junk = "Module invocation had junk after the JSON data: noise behind".to_owned();
    assert_eq!(told.collect::<Vec<_>>(), [&Event::Warning { message: junk }]);
}

#[tokio::test]
async fn broken() {
    let (content, _) = load("broken.yml");
    let errors = content.err().unwrap().replace(env!("CARGO_MANIFEST_DIR"), "<root>");
    insta::assert_snapshot!("broken", errors);
}
