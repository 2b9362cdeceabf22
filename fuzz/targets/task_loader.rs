//! The loader of playbooks and tasks: any text is content, or everything that is wrong with it has its place.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use daytwo::jinja::{Environment, Plugins};
use daytwo::modules::Registry;
use daytwo::playbook::{Content, Options};

/// There is nothing that content could import.
const DIRECTORY: &str = "/nonexistent";

static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
    Options::new(Arc::new(Registry::all()), Arc::new(Environment::new(Arc::new(Plugins::builtin()))))
});

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    loaded(&text);
    let tasks: String = text.lines().map(|line| format!("    {line}\n")).collect();
    loaded(&format!("- hosts: all\n  tasks:\n{tasks}"));
}

fn loaded(text: &str) {
    let Err(errors) = Content::load_text(text, Path::new(DIRECTORY), &OPTIONS) else { return };
    assert!(!errors.0.is_empty());
    for error in errors.0 {
        assert!(!error.message.is_empty());
    }
}
