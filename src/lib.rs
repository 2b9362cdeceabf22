//! daytwo: a folder of Helm charts and Ansible-style roles as a Kubernetes operator.
//!
//! The rooms of the house, from the top down; a room may use only what stands below it:
//!
//! ```text
//! cli/        one file per command; prints and exits
//! project/    an operator project as a whole: a new one, its permissions, its image
//! operator/   the controller: watches -> queue -> one reconcile at a time per resource
//! watches/    the contract file watches.yaml: load, expand, validate
//! release/    a chart in a cluster: record, storage, install, upgrade, repair, uninstall
//! executor/   runs a play: strategy, variables, task execution, loops, results, handlers
//! modules/    what one task can do: one file per module, grouped by collection
//! inventory/  hosts, groups and their variables, pure: sources, patterns, precedence
//! repository/ charts from places: chart repositories, OCI registries, provenance, dependencies
//! chart/      Helm charts, pure: load, dependencies, values, schema, render, manifest order
//! playbook/   Ansible content, pure: playbooks, roles, tasks, blocks -> typed tree
//! jinja/      Ansible's templating: Jinja's grammar, Python's values, filters, tests, lookups
//! gotmpl/     the Go text/template language, pure: lexer, parser, value, exec, functions
//! cluster/    Kubernetes I/O: discovery, apply, wait, logs, ownership
//! bucket/     objects of S3-compatible stores: files stored, fetched, removed
//! traces/     spans of what happens, for OpenTelemetry
//! http/       one HTTP client: redirects, cookies, credentials, proxies, TLS
//! vault/      Ansible Vault: encrypted files and values, and where passwords come from
//! yaml/       YAML 1.1 in (as Helm and Ansible read it), Go-style and PyYAML-style out
//! ```
//!
//! The natural way of the data:
//!
//! ```text
//! watches.yaml -> Watch ─┐
//! CR event ──────────────┴─> operator::reconcile(CR)
//!    chart watch:  spec -> values -> chart::render -> manifests -> release -> cluster
//!    role watch:   spec -> variables -> playbook tree -> executor ─ task ─> jinja -> modules -> result
//!    outcome -> one report -> status conditions, Events, metrics, log
//! ```

pub mod bucket;
pub mod chart;
pub mod cli;
pub mod cluster;
pub mod executor;
pub mod gotmpl;
pub mod http;
pub mod inventory;
pub mod jinja;
pub mod modules;
pub mod operator;
pub mod playbook;
pub mod project;
pub mod release;
pub mod repository;
pub mod traces;
pub mod vault;
pub mod watches;
pub mod yaml;
