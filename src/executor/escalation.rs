//! `become`: the user that a task runs as (`playbook/play_context.py`).

use std::os::unix::fs::MetadataExt as _;

use super::attempt::Attempt;
use super::event::Event;
use super::results::failure;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::Entries;
use crate::jinja::{Error, Value};
use crate::playbook::Action;

/// The user that `become` means when the task names none.
const DEFAULT_USER: &str = "root";
/// The program and its options by which users are changed when the task names none (`plugins/become/sudo.py`).
const SUDO: (&str, &str) = ("sudo", "-H -S -n");

/// How a task comes to run as the user that it names.
pub(super) enum Escalation {
    /// It runs as this program does.
    None,
    /// Its program runs through another one that changes users: these words come before its own.
    Through(Vec<String>),
    /// It cannot run: the result.
    Refused(Entries),
}

impl Attempt<'_> {
    /// How the task runs as the user that `become` names. Programs run through `sudo`; what this program does itself,
    /// it does as its own user.
    ///
    /// # Errors
    /// A keyword cannot be templated.
    pub(super) fn escalate(&self) -> Result<Escalation, Error> {
        let wanted = self.escalation("become")?.as_ref().and_then(to_bool).unwrap_or(false);
        if !wanted {
            return Ok(Escalation::None);
        }
        let text = |name: &str, default: &str| -> Result<String, Error> {
            Ok(self.escalation(name)?.map_or_else(|| default.to_owned(), |value| value.to_string()))
        };
        let user = text("become_user", DEFAULT_USER)?;
        let same = is_this_user(&user);
        if same && !self.variables.options.become_same_user {
            return Ok(Escalation::None);
        }
        if text("become_method", SUDO.0)? == SUDO.0 && self.is_program() {
            let (program, flags) = (text("become_exe", SUDO.0)?, text("become_flags", SUDO.1)?);
            let words = [program.as_str()].into_iter().chain(flags.split_whitespace()).chain(["-u", &user]);
            let words: Vec<String> = words.map(ToOwned::to_owned).collect();
            let message = format!("<{}> EXEC {} {}", self.host, words.join(" "), self.task.action_name);
            self.tell(Event::Verbose { level: 3, message });
            return Ok(Escalation::Through(words));
        }
        if same {
            return Ok(Escalation::None);
        }
        Ok(Escalation::Refused(failure(&format!(
            "the task is to run as the user '{user}' (become_user), but this program runs as '{}' and changes users for the programs of command, shell, script and raw alone, by sudo; run it as '{user}', or take 'become' away",
            this_user()
        ))))
    }

    /// Whether the task runs a program.
    fn is_program(&self) -> bool {
        let Action::Module(name) = self.task.action else { return false };
        self.context.modules.runs_program(name)
    }

    /// A keyword of `become`'s kin: the host's variable `ansible_<name>` beats it.
    fn escalation(&self, name: &str) -> Result<Option<Value>, Error> {
        let lineage = self.lineage();
        let said = self.templar.vars.get(format!("ansible_{name}").as_str()).or_else(|| lineage.get(name));
        let value = said.map(|value| self.templar.template(value)).transpose()?;
        Ok(value.filter(|value| !value.is_none() && value.as_str() != Some(self.omit())))
    }
}

/// The number of the user that this program runs as.
fn this_id() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}

/// The names and numbers of `/etc/passwd`.
fn users() -> Vec<(String, u32)> {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    };
    text.lines().filter_map(user).collect()
}

fn is_this_user(name: &str) -> bool {
    let Some(id) = this_id() else { return false };
    name.parse() == Ok(id) || users().iter().any(|(user, number)| user == name && *number == id)
}

fn this_user() -> String {
    let id = this_id().unwrap_or_default();
    let user = users().into_iter().find(|(_, number)| *number == id);
    user.map_or_else(|| id.to_string(), |(name, _)| name)
}
