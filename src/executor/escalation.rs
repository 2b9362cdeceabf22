//! `become`: the user that a task runs as (`playbook/play_context.py`).

use std::os::unix::fs::MetadataExt as _;

use super::attempt::Attempt;
use super::results::failure;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::Entries;
use crate::jinja::{Error, Value};

/// The user that `become` means when the task names none.
const DEFAULT_USER: &str = "root";

impl Attempt<'_> {
    /// The result of a task that is to run as another user than this program's; none when it can run.
    ///
    /// # Errors
    /// A keyword cannot be templated.
    pub(super) fn refused_user(&self) -> Result<Option<Entries>, Error> {
        let wanted = self.escalation("become")?.as_ref().and_then(to_bool).unwrap_or(false);
        if !wanted {
            return Ok(None);
        }
        let user =
            self.escalation("become_user")?.map_or_else(|| DEFAULT_USER.to_owned(), |user| user.to_string());
        if is_this_user(&user) {
            return Ok(None);
        }
        Ok(Some(failure(&format!(
            "the task is to run as the user '{user}' (become_user), but this program runs as '{}' and does not change users; run it as '{user}', or take 'become' away",
            this_user()
        ))))
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
