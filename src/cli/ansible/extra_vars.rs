//! The variables of `-e` (`utils/vars.py`, `load_extra_vars`).

use std::path::Path;

use crate::jinja::{Value, yaml};
use crate::playbook::{VarMap, parse_kv};
use crate::vault::Secrets;

/// The variables of all `-e` options, later ones over earlier ones.
///
/// # Errors
/// A file cannot be read, or an option is no dict of variables; the message is Ansible's.
pub(super) fn load(options: &[String], secrets: &Secrets) -> Result<VarMap, String> {
    let mut vars = VarMap::new();
    for option in options {
        let value = if let Some(file) = option.strip_prefix('@') {
            read(Path::new(file), secrets)?
        } else if option.is_empty() {
            continue;
        } else if option.starts_with(['/', '.']) {
            return Err(format!("Please prepend extra_vars filename '{option}' with '@'"));
        } else if option.starts_with(['{', '[']) {
            yaml::load(option).map_err(|error| error.to_string())?
        } else {
            vars.extend(parse_kv(option, false).map_err(|error| error.to_string())?);
            continue;
        };
        let Some(dict) = value.as_dict() else {
            return Err(format!(
                "Invalid extra vars data supplied. '{option}' could not be made into a dictionary"
            ));
        };
        vars.extend(dict.entries().into_iter().map(|(key, value)| (key.text().as_ref().into(), value)));
    }
    Ok(vars)
}

/// Reads a file of YAML or JSON, encrypted or not.
///
/// # Errors
/// It cannot be read; the message is Ansible's.
pub(super) fn read(file: &Path, secrets: &Secrets) -> Result<Value, String> {
    let bytes = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            format!("Unable to retrieve file contents\nCould not find or access '{}' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", path.display())
        }
        _ => format!("an error occurred while trying to read the file '{}': {error}", file.display()),
    })?;
    let name = file.display().to_string();
    let bytes = secrets.open(bytes.into(), &name).map_err(|error| error.to_string())?;
    yaml::load_content(&String::from_utf8_lossy(&bytes), &name).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn options() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let load = |options: &[String]| super::load(options, &Secrets::default());
        let vars = load(&texts(&["a=1 b='x y'", "{\"c\": 2}", "{a: [3]}"])).unwrap();
        let shown: Vec<String> = vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["a=[3]", "b=x y", "c=2"]);
        assert!(load(&texts(&["/x.yml"])).unwrap_err().contains("prepend"));
        assert!(load(&texts(&["[1]"])).unwrap_err().contains("could not be made into a dictionary"));
        assert!(load(&texts(&["@/nowhere"])).unwrap_err().contains("Could not find or access"));
    }
}
