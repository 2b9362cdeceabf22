//! A chart compiled for the subcharts that take part: templates, schemas and defaults, ready to render.
//!
//! Which subcharts take part depends on the values, so a chart has one program per selection; they
//! are compiled on first use and kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::dependencies::{self, Member};
use super::files::Files;
use super::functions::{self, Host};
use super::schema::Schema;
use super::{Compat, Contents, Crd, Error, Metadata, RenderOptions, TemplateError, failure, scope, values};
use crate::gotmpl::{self, Execution, MapType, Set};

/// How many selections of subcharts are kept compiled.
const MAX_KEPT: usize = 8;

/// A chart with one selection of its subcharts, compiled.
pub(super) struct Program {
    /// The charts that take part, every parent before its children; the first is the root.
    pub(super) parts: Vec<Part>,
    /// All templates, parsed.
    pub(super) set: Set,
    /// The templates in Helm's order of rendering.
    pub(super) templates: Vec<Template>,
    /// The tree of charts, with merged defaults.
    pub(super) root: Member,
    /// The files below `crds/`.
    pub(super) crds: Vec<Crd>,
    /// What was suspicious about the defaults.
    pub(super) warnings: Vec<String>,
}

/// One chart that takes part.
pub(super) struct Part {
    /// The index of the parent.
    pub(super) parent: Option<usize>,
    /// `Chart.yaml` under the name by which it takes part.
    pub(super) metadata: Metadata,
    /// `.Files`.
    pub(super) files: Files,
    /// `values.schema.json`.
    pub(super) schema: Option<Schema>,
    /// The names of the charts from the root to this one, joined by `/charts/`.
    pub(super) path: String,
}

/// A template file.
pub(super) struct Template {
    /// Its path from the root chart's name, which is its name in the set.
    pub(super) name: String,
    /// The chart that it belongs to.
    pub(super) part: usize,
    /// Whether it only holds definitions.
    pub(super) is_partial: bool,
    /// How many bytes its source has: about as much is made room for.
    size: usize,
}

impl Program {
    /// Compiles the tree of members; `values` are merged afterwards from what takes part.
    ///
    /// # Errors
    /// All templates that do not parse.
    fn compile(mut root: Member, compat: Compat) -> Result<Self, Error> {
        let mut warnings = Vec::new();
        dependencies::import_values(&mut root, compat, &mut warnings)?;
        let mut sum = Sum::default();
        sum.add(&root, None, "");
        let Sum { parts, sources, crds } = sum;
        let mut sources: Vec<_> = sources.into_values().collect();
        // The deepest first and in reverse, so that definitions of a chart win over those of its
        // subcharts, and within a chart the first file wins.
        sources.sort_by(|(a, _), (b, _)| {
            let depth = |template: &Template| template.name.matches('/').count();
            depth(b).cmp(&depth(a)).then_with(|| b.name.cmp(&a.name))
        });
        let mut set = Set::new("gotpl", functions::table(compat));
        let mut errors = Vec::new();
        let mut templates = Vec::new();
        for (template, source) in sources {
            if let Err(error) = set.parse(&template.name, &source) {
                errors.push(TemplateError {
                    template: error.name,
                    line: error.line,
                    column: None,
                    message: error.message,
                });
            }
            templates.push(template);
        }
        if !errors.is_empty() {
            return Err(Error::Parse(errors));
        }
        Ok(Self { parts, set, templates, root, crds, warnings })
    }

    /// Checks the values against the schemas of all charts that take part.
    ///
    /// # Errors
    /// Every violation, chart by chart.
    pub(super) fn check_schemas(&self, coalesced: &gotmpl::Map) -> Result<(), Error> {
        if self.parts.iter().all(|part| part.schema.is_none()) {
            return Ok(());
        }
        let mut report = String::new();
        let mut values: Vec<Option<Value>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let own = match part.parent {
                None => Some(Value::Object(values::to_json(coalesced))),
                Some(parent) => {
                    values[parent].as_ref().and_then(|values| values.get(&part.metadata.name)).cloned()
                }
            };
            if let (Some(schema), Some(own @ Value::Object(_))) = (&part.schema, &own)
                && let Err(violations) = schema.validate(own)
            {
                report.push_str(&format!("{}:\n{violations}\n", part.metadata.name));
            }
            values.push(own);
        }
        if report.is_empty() { Ok(()) } else { Err(Error::Schema(report)) }
    }

    /// Renders all templates that are no partials; the result is by path.
    ///
    /// # Errors
    /// The first template that fails.
    pub(super) fn execute(
        &self,
        coalesced: &gotmpl::Map,
        options: &RenderOptions,
    ) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let dots = scope::dots(self, coalesced, options);
        let host = Host::new(options);
        let mut execution = Execution::new(&self.set, &host);
        let mut rendered = BTreeMap::new();
        for template in self.templates.iter().filter(|template| !template.is_partial) {
            let dot = &dots[template.part];
            dot.insert("Template", scope::template(&template.name, &self.parts[template.part]));
            let mut out = Vec::with_capacity(template.size);
            execution
                .run(&template.name, &gotmpl::Value::Map(dot.with_type(MapType::Values)), &mut out)
                .map_err(|error| failure::failed(&error, options.compat))?;
            rendered.insert(template.name.clone(), without_no_value(out));
        }
        Ok(rendered)
    }
}

/// A rendered text without what printing nil gives, which Helm removes whoever wrote it.
fn without_no_value(rendered: Vec<u8>) -> Vec<u8> {
    const NO_VALUE: &[u8] = b"<no value>";
    let mut matches = memchr::memmem::find_iter(&rendered, NO_VALUE).peekable();
    if matches.peek().is_none() {
        return rendered;
    }
    let mut kept = Vec::with_capacity(rendered.len());
    let mut copied = 0;
    for at in matches {
        kept.extend_from_slice(&rendered[copied..at]);
        copied = at + NO_VALUE.len();
    }
    kept.extend_from_slice(&rendered[copied..]);
    kept
}

/// The templates of a tree by name, with their texts.
pub(super) fn sources(root: &Member) -> BTreeMap<String, (Template, Arc<[u8]>)> {
    let mut sum = Sum::default();
    sum.add(root, None, "");
    sum.sources
}

/// What the members of a tree add up to.
#[derive(Default)]
struct Sum {
    parts: Vec<Part>,
    /// Templates by name: in Helm 3 two members can have the same paths, and the last one counts.
    sources: BTreeMap<String, (Template, Arc<[u8]>)>,
    crds: Vec<Crd>,
}

impl Sum {
    /// Adds a member and its dependencies.
    fn add(&mut self, member: &Member, parent: Option<usize>, directory: &str) {
        let path = format!("{directory}{}", member.name());
        let inner = format!("{directory}{}/charts/", member.name_in_paths);
        let part = self.parts.len();
        let contents = &member.contents;
        for file in &contents.templates {
            let base = file.name.rsplit('/').next().unwrap_or_default();
            let is_partial = base.starts_with('_');
            if is_partial || !member.is_library() {
                let name = format!("{path}/{}", file.name);
                let template = Template { name: name.clone(), part, is_partial, size: file.data.len() };
                self.sources.insert(name, (template, Arc::clone(&file.data)));
            }
        }
        for file in contents.files.iter().filter(|file| is_crd(&file.name)) {
            let filename = format!("{path}/{}", file.name);
            self.crds.push(Crd { name: file.name.clone(), filename, data: Arc::clone(&file.data) });
        }
        self.parts.push(Part {
            parent,
            metadata: member.metadata.clone(),
            files: Files::new(&contents.files),
            schema: contents.schema.as_ref().map(|file| Schema::new(&file.data)),
            path,
        });
        for dependency in &member.dependencies {
            self.add(dependency, Some(part), &inner);
        }
    }
}

fn is_crd(name: &str) -> bool {
    let extension =
        name.rsplit('/').next().and_then(|base| base.rsplit_once('.')).map(|(_, extension)| extension);
    name.starts_with("crds/")
        && extension
            .is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// The programs of a chart.
#[derive(Debug)]
pub(super) struct Programs {
    root: Arc<Contents>,
    kept: Mutex<Vec<(Selection, Arc<Program>)>>,
}

/// The paths of the charts that take part.
type Selection = (Compat, Vec<String>);

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.parts.iter().map(|part| &part.path)).finish()
    }
}

impl Programs {
    /// Compiles the chart with the subcharts that its defaults enable.
    ///
    /// # Errors
    /// All templates that do not parse, if one of them is the chart's own: a broken subchart may
    /// still be switched off.
    pub(super) fn new(root: &Arc<Contents>) -> Result<Self, Error> {
        let programs = Self { root: Arc::clone(root), kept: Mutex::default() };
        let own = format!("{}/templates/", root.metadata.name);
        match programs.select(&Map::new(), Compat::default(), &mut Vec::new()) {
            Err(Error::Parse(errors)) if errors.iter().any(|error| error.template.starts_with(&own)) => {
                Err(Error::Parse(errors))
            }
            _ => Ok(programs),
        }
    }

    /// The program for the subcharts that `given` values enable.
    ///
    /// # Errors
    /// All templates that do not parse; values of the wrong structure.
    pub(super) fn select(
        &self,
        given: &Map<String, Value>,
        compat: Compat,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<Program>, Error> {
        let mut root = Member::of(&self.root);
        dependencies::enable(&mut root, &values::to_map(given), "", compat, warnings)?;
        let mut paths = Vec::new();
        selection(&root, "", &mut paths);
        let key = (compat, paths);
        let kept = |programs: &Vec<(Selection, Arc<Program>)>| {
            programs.iter().find(|(selection, _)| *selection == key).map(|(_, program)| Arc::clone(program))
        };
        if let Some(program) = kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(program);
        }
        let program = Arc::new(Program::compile(root, compat)?);
        let mut programs = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if programs.len() == MAX_KEPT {
            programs.remove(0);
        }
        programs.push((key, Arc::clone(&program)));
        Ok(program)
    }
}

fn selection(member: &Member, parent: &str, paths: &mut Vec<String>) {
    let path = format!("{parent}/{}", member.name());
    for dependency in &member.dependencies {
        selection(dependency, &path, paths);
    }
    paths.push(path);
}
