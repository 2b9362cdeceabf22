//! Variables whose names the language itself uses (`vars/reserved.py`).

use super::event::{Event, Observer};
use super::run::Run;
use crate::jinja::Vars;
use crate::playbook::keyword_names;

/// Names that every template has.
const GLOBALS: &[&str] =
    &["cycler", "dict", "joiner", "lipsum", "lookup", "namespace", "now", "q", "query", "range"];

/// Names that keywords go by beside their own.
const OTHERS: &[&str] = &["async_val", "local_action", "loop_with", "with_"];

/// Keywords that are variables as well.
const ALLOWED: &[&str] = &["environment", "gather_subset", "vars"];

fn reserved() -> impl Iterator<Item = &'static str> {
    let names = keyword_names().chain(GLOBALS.iter().copied()).chain(OTHERS.iter().copied());
    names.filter(|name| !ALLOWED.contains(name))
}

impl Run {
    /// Warns, once for each, of variables whose names are reserved.
    pub(super) fn warn_of_reserved(&mut self, vars: &Vars, observer: &mut dyn Observer) {
        for name in reserved().filter(|name| vars.contains_key(*name)) {
            self.warn_of_name(name, observer);
        }
    }

    /// Warns of a variable that a task sets if its name is reserved.
    pub(super) fn warn_if_reserved(&mut self, name: &str, observer: &mut dyn Observer) {
        if reserved().any(|reserved| reserved == name) {
            self.warn_of_name(name, observer);
        }
    }

    fn warn_of_name(&mut self, name: &str, observer: &mut dyn Observer) {
        if self.state.warned.insert(name.to_owned()) {
            let message = format!("Found variable using reserved name: {name}");
            observer.observe(&Event::Warning { message });
        }
    }
}
