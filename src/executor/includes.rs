//! `include_tasks` and `include_role` (`playbook/included_file.py`).

use std::sync::Arc;

use indexmap::IndexSet;

use super::attempt::{Attempt, Attempted, Stop};
use super::event::{Event, Observer, TaskOutcome};
use super::frame::{self, Frame, Holder, Inclusion, Source, Target};
use super::results::{self, failure};
use super::roles;
use super::run::{Run, RunError, Stage};
use super::settings::Settings;
use super::state::{IncludedRole, StoredVars, TaskState};
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Error, Value};
use crate::playbook::{LoadError, LoadErrors, RoleFiles};

impl Attempt<'_> {
    /// What an `include_tasks` asks for.
    ///
    /// # Errors
    /// The name of the file cannot be templated.
    pub(super) fn include_tasks(&self, settings: &Settings) -> Result<Attempted, Stop> {
        let name = self.task.args.get("_raw_params").or_else(|| self.task.args.get("file"));
        let name = self.templar.template(name.unwrap_or(&Value::None))?.to_string();
        if name.is_empty() {
            return Ok(self.done(failure("No include file was specified to the include"), settings));
        }
        let result = Entries::from_iter([
            ("include".into(), Value::from(name.as_str())),
            ("include_args".into(), Value::Dict(Dict::default())),
        ]);
        let target = Target::Tasks { name, imports: self.lineage().imports() };
        let include = Some(Inclusion { number: 0, target, vars: StoredVars::new() });
        Ok(Attempted { include, ..self.done(result, settings) })
    }

    /// What an `include_role` asks for.
    ///
    /// # Errors
    /// An argument cannot be templated.
    pub(super) fn include_role(&self, settings: &Settings) -> Result<Attempted, Stop> {
        let args = &self.task.args;
        let text = |name: &str| -> Result<Option<String>, Error> {
            let Some(value) = args.get(name) else { return Ok(None) };
            let value = self.templar.template(value)?.to_string();
            Ok((value != self.omit()).then_some(value))
        };
        let flag = |name: &str| -> Result<Option<bool>, Error> {
            let Some(value) = args.get(name) else { return Ok(None) };
            Ok(to_bool(&self.templar.template(value)?))
        };
        let name = match text("name")? {
            Some(name) => name,
            None => text("role")?.unwrap_or_default(),
        };
        let files = RoleFiles {
            tasks: text("tasks_from")?,
            vars: text("vars_from")?,
            defaults: text("defaults_from")?,
            handlers: text("handlers_from")?,
            unvalidated: flag("rolespec_validate")? == Some(false),
        };
        let target = Target::Role {
            name,
            files,
            allow_duplicates: flag("allow_duplicates")?.unwrap_or(true),
            public: flag("public")?,
        };
        let given = args.iter().map(|(key, value)| (key.as_ref(), value.clone()));
        let result = Entries::from_iter([("include_args".into(), Value::dict(given))]);
        let include = Some(Inclusion { number: 0, target, vars: StoredVars::new() });
        Ok(Attempted { include, ..self.done(result, settings) })
    }
}

/// One file or role, and the hosts that include it together.
struct Group {
    inclusion: Inclusion,
    hosts: Vec<String>,
}

/// Inclusions of the same thing with the same variables become one for all hosts that ask for it.
fn groups(includes: &[(String, Vec<Inclusion>)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (host, items) in includes {
        for item in items {
            let same = |group: &&mut Group| {
                group.inclusion.target == item.target
                    && same_vars(&group.inclusion.vars, &item.vars)
                    && !group.hosts.contains(host)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.hosts.push(host.clone()),
                None => {
                    let number = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                    let inclusion = Inclusion { number, ..item.clone() };
                    groups.push(Group { inclusion, hosts: vec![host.clone()] });
                }
            }
        }
    }
    groups
}

fn same_vars(one: &StoredVars, other: &StoredVars) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| other.0 == value.0))
}

/// The label of a loop's item.
fn label(item: &Inclusion) -> Option<String> {
    let name = item.vars.get("ansible_loop_var")?.0.to_string();
    item.vars.get(name.as_str()).map(|item| item.0.to_string())
}

impl Run {
    /// Lets hosts go into what their tasks include; returns those that failed because it is missing.
    ///
    /// # Errors
    /// A file or role is there but wrong.
    pub(super) fn include_all(
        &mut self,
        includes: &[(String, Vec<Inclusion>)],
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<String>, RunError> {
        let mut entered: Vec<(String, Vec<Inclusion>)> =
            includes.iter().map(|(host, _)| (host.clone(), Vec::new())).collect();
        let mut failed: IndexSet<String> = IndexSet::new();
        for group in groups(includes) {
            let Some(first) = group.hosts.first() else { continue };
            match self.load(first, &group.inclusion, stage) {
                Ok((holder, path)) => {
                    let role = matches!(&holder, Holder::Included { role: Some(_), .. });
                    self.note_role(first, &group.inclusion, holder, stage);
                    for host in &group.hosts {
                        self.state.stats.host(host).ok += 1;
                        let items = entered.iter_mut().find(|(name, _)| name == host);
                        items.into_iter().for_each(|(_, items)| items.push(group.inclusion.clone()));
                    }
                    let file = match &group.inclusion.target {
                        Target::Role { name, .. } if role => name.clone(),
                        _ => path.display().to_string(),
                    };
                    observer.observe(&Event::Included {
                        file,
                        hosts: group.hosts.clone(),
                        label: label(&group.inclusion),
                    });
                }
                Err(errors) if errors.is_missing() => {
                    self.not_found(&group, &errors, stage, observer);
                    failed.extend(group.hosts);
                }
                Err(errors) => {
                    let told: Vec<String> = errors.0.iter().map(LoadError::with_source).collect();
                    return Err(RunError::Include(told.join("\n")));
                }
            }
        }
        for (host, items) in entered {
            if !items.is_empty() && !failed.contains(&host) {
                let frame = Frame { holder: None, ..Frame::new(Source::Include(items), Holder::Handlers) };
                self.enter_inclusion(&host, frame, stage);
            }
        }
        for host in &failed {
            self.state.failed.insert(host.clone());
            self.fail_host(host);
        }
        Ok(failed.into_iter().collect())
    }

    fn load(
        &self,
        host: &str,
        inclusion: &Inclusion,
        stage: &Stage<'_>,
    ) -> Result<(Holder, std::path::PathBuf), LoadErrors> {
        let Some(task) = self.current_task(host) else { return Err(LoadErrors(Vec::new())) };
        let lineage = self.lineage(host, &task, stage);
        let role = lineage.role().map(AsRef::as_ref);
        frame::include(&stage.content, inclusion, &task, role, lineage.in_handlers)
    }

    /// Fails the hosts whose file or role is missing.
    fn not_found(
        &mut self,
        group: &Group,
        errors: &LoadErrors,
        stage: &Stage<'_>,
        observer: &mut dyn Observer,
    ) {
        let message = errors.0.first().map(|error| error.message.clone()).unwrap_or_default();
        for host in &group.hosts {
            let Some(task) = self.current_task(host) else { continue };
            let name = self.shown_name(host, &task, stage, &self.templar(host, &task, stage));
            let state = TaskState { name, ..TaskState::default() };
            let task = self.task_ref(host, &task, stage, &state);
            let mut result = Entries::new();
            if let Target::Tasks { name, .. } = &group.inclusion.target {
                result.insert("include".into(), Value::from(name.as_str()));
            }
            result.insert("failed".into(), Value::Bool(true));
            result.insert("reason".into(), Value::from(message.as_str()));
            self.state.stats.host(host).failures += 1;
            let rescued = self.state.stack(host).iter().any(Frame::will_rescue);
            self.state.failures.push(super::stats::Failure {
                host: host.clone(),
                task: task.name.clone(),
                path: task.path.clone(),
                message: message.clone(),
                rescued,
            });
            observer.observe(&Event::TaskEnd {
                task,
                host: host.clone(),
                outcome: if rescued { TaskOutcome::Rescued } else { TaskOutcome::Failed },
                result: results::shown(&result, false),
            });
        }
    }

    /// Goes into the first inclusion of a level that is to run, or past them all.
    fn enter_inclusion(&mut self, host: &str, mut frame: Frame, stage: &Stage<'_>) {
        let Source::Include(items) = frame.source.clone() else { return };
        while let Some(item) = items.get(frame.item) {
            if let Ok((holder, _)) = self.load(host, item, stage) {
                frame.holder = Some(holder);
                let completed = self.state.cursor(host).map(|cursor| &cursor.completed);
                let ran = roles::identity(&frame)
                    .is_some_and(|identity| completed.is_some_and(|completed| completed.contains(&identity)));
                if !ran || roles::allows_duplicates(&frame) {
                    self.state.cursor_mut(host).stack.push(frame);
                    return;
                }
            }
            frame.item += 1;
        }
    }

    /// After one inclusion of a level, goes into the next one.
    pub(super) fn next_inclusion(&mut self, host: &str, frame: Frame, stage: &Stage<'_>) {
        if let Source::Include(_) = &frame.source {
            let next = Frame { item: frame.item + 1, index: 0, ran: false, holder: None, ..frame };
            self.enter_inclusion(host, next, stage);
        }
    }

    /// Remembers an included role for its handlers and, when it is public, for its variables.
    fn note_role(&mut self, host: &str, inclusion: &Inclusion, holder: Holder, stage: &Stage<'_>) {
        let Target::Role { name, public, .. } = &inclusion.target else { return };
        let Holder::Included { role: Some(role), .. } = &holder else { return };
        let Some(task) = self.current_task(host) else { return };
        let mut stack: Vec<Frame> = self.lineage(host, &task, stage).levels.into_iter().cloned().collect();
        let path = role.path.clone();
        stack.push(Frame::new(Source::Include(vec![inclusion.clone()]), holder));
        let public = roles::is_public(*public, false, self.options.private_role_vars);
        let included = IncludedRole { name: name.clone(), path, stack, public };
        let Some(batch) = &mut self.state.batch else { return };
        let same =
            |known: &IncludedRole| known.public == included.public && identity(known) == identity(&included);
        match batch.included_roles.iter().position(same) {
            Some(number) => {
                batch.handlers.replace(number, &included);
                batch.included_roles[number] = included;
            }
            None => {
                batch.roles.add(&included, self.options.private_role_vars);
                batch.handlers.add(&included);
                batch.included_roles.push(included);
            }
        }
    }
}

fn identity(included: &IncludedRole) -> Option<(std::path::PathBuf, RoleFiles)> {
    let role = included.stack.last().and_then(Frame::role)?;
    Some((Arc::clone(role).path.clone(), role.files.clone()))
}
