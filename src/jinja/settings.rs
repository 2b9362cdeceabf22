//! What settings of `ansible.cfg` and the environment change of templating.

/// What settings change of templating; the default is Ansible's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Templates give values of their own types (`jinja2_native`).
    pub native: bool,
    /// `{% do %}` is known (`jinja2_extensions`: `jinja2.ext.do`).
    pub do_statements: bool,
    /// `{% break %}` and `{% continue %}` are known (`jinja2_extensions`: `jinja2.ext.loopcontrols`).
    pub loop_controls: bool,
    /// A missing variable is an error (`error_on_undefined_vars`).
    pub error_on_undefined: bool,
    /// A condition may be something else than a boolean (`ALLOW_BROKEN_CONDITIONALS`).
    pub allow_broken_conditionals: bool,
    /// What a condition gives is looked at at all; off without `_ANSIBLE_DISABLE_BACKPORTED_INSPECTIONS`.
    pub conditional_inspections: bool,
    /// The text of `ansible_managed`.
    pub managed: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            native: false,
            do_statements: false,
            loop_controls: false,
            error_on_undefined: true,
            allow_broken_conditionals: true,
            conditional_inspections: true,
            managed: "Ansible managed".to_owned(),
        }
    }
}

impl Settings {
    /// The settings of `ANSIBLE_…` variables, or of another source that knows settings by those names.
    #[must_use]
    pub fn read(setting: impl Fn(&str) -> Option<String>) -> Self {
        let default = Settings::default();
        let flag = |name: &str, default: bool| {
            setting(name).map_or(default, |value| {
                matches!(value.to_lowercase().as_str(), "1" | "yes" | "true" | "on" | "y" | "t")
            })
        };
        let extensions = setting("ANSIBLE_JINJA2_EXTENSIONS").unwrap_or_default();
        let has = |name: &str| extensions.split(',').any(|extension| extension.trim() == name);
        Settings {
            native: flag("ANSIBLE_JINJA2_NATIVE", default.native),
            do_statements: has("jinja2.ext.do"),
            loop_controls: has("jinja2.ext.loopcontrols"),
            error_on_undefined: flag("ANSIBLE_ERROR_ON_UNDEFINED_VARS", default.error_on_undefined),
            allow_broken_conditionals: flag(
                "ANSIBLE_ALLOW_BROKEN_CONDITIONALS",
                default.allow_broken_conditionals,
            ),
            conditional_inspections: !flag("_ANSIBLE_DISABLE_BACKPORTED_INSPECTIONS", false),
            managed: setting("DEFAULT_MANAGED_STR").unwrap_or(default.managed),
        }
    }
}
