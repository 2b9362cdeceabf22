//! Where passwords come from: files, scripts, prompts (`CLI.setup_vault_secrets`).

use std::borrow::Cow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{DEFAULT_ID, Secret, Secrets, VaultError};

/// Asks for a password: the text of the prompt in, what was typed out.
pub type Prompt<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// What a command line and its settings name as sources of passwords.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `--vault-id` and `vault_identity_list`: `id@source`, or a source.
    pub ids: Vec<String>,
    /// `--vault-password-file` and `vault_password_file`.
    pub password_files: Vec<String>,
    /// `--ask-vault-password` and `ask_vault_pass`.
    pub ask: bool,
    /// `vault_identity`: the id of passwords that name none.
    pub default_id: Option<String>,
    /// `vault_id_match`: data is only tried with passwords of the id that it names.
    pub match_ids: bool,
    /// Passwords are to be typed twice: they are going to encrypt.
    pub new_password: bool,
}

/// What stands for a typed password in a vault id, with the label of its prompt or Ansible's old text.
const PROMPT: &str = "prompt";
const ASK: &str = "prompt_ask_vault_pass";

impl Sources {
    /// Whether there is no source.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.password_files.is_empty() && !self.ask
    }

    /// Adds the sources that `ANSIBLE_VAULT_…` variables name; `variable` reads one.
    #[must_use]
    pub fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_true = |name: &str| {
            given(name).is_some_and(|it| {
                matches!(it.to_lowercase().as_str(), "1" | "yes" | "true" | "on" | "y" | "t")
            })
        };
        if let Some(list) = given("ANSIBLE_VAULT_IDENTITY_LIST") {
            let listed = list.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
            self.ids.splice(0..0, listed.collect::<Vec<_>>());
        }
        self.password_files.extend(given("ANSIBLE_VAULT_PASSWORD_FILE"));
        self.default_id = self.default_id.or_else(|| given("ANSIBLE_VAULT_IDENTITY"));
        self.match_ids |= is_true("ANSIBLE_VAULT_ID_MATCH");
        self.ask |= is_true("ANSIBLE_ASK_VAULT_PASS");
        self
    }

    /// Reads all passwords. A source of no use is told to `warn`; it is an error if no other gave one.
    ///
    /// # Errors
    /// No source gave a password, or a typed one is not confirmed.
    pub fn load(&self, prompt: Prompt<'_>, mut warn: impl FnMut(String)) -> Result<Secrets, VaultError> {
        let default_id = self.default_id.as_deref().unwrap_or(DEFAULT_ID);
        let files = self.password_files.iter().map(|file| format!("{default_id}@{file}"));
        let asked = self.ask.then(|| format!("{default_id}@{ASK}"));
        let slugs: Vec<String> = self.ids.iter().cloned().chain(files).chain(asked).collect();
        let mut secrets = Secrets::new(self.match_ids);
        let mut failure = None;
        for slug in &slugs {
            let (id, source) = match slug.split_once('@') {
                Some((id, source)) => (Some(id).filter(|id| !id.is_empty()), source),
                None => (None, slug.as_str()),
            };
            let name = id.unwrap_or(default_id);
            if matches!(source, PROMPT | ASK) {
                secrets.add(name, self.typed(name, source, &mut *prompt)?);
                continue;
            }
            match read(Path::new(source), id, &secrets) {
                Ok(secret) => secrets.add(name, secret),
                Err(error) => {
                    let id = id.unwrap_or("None");
                    warn(format!("Error getting vault password file ({id}): {error}"));
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if secrets.is_empty() => Err(error),
            _ => Ok(secrets),
        }
    }

    fn typed(&self, id: &str, kind: &str, prompt: Prompt<'_>) -> Result<Secret, VaultError> {
        let prompts = match (kind == ASK, self.new_password) {
            (true, false) => vec!["Vault password: ".to_owned()],
            (true, true) => {
                vec!["New Vault password: ".to_owned(), "Confirm New Vault password: ".to_owned()]
            }
            (false, false) => vec![format!("Vault password ({id}): ")],
            (false, true) => {
                vec![format!("New vault password ({id}): "), format!("Confirm new vault password ({id}): ")]
            }
        };
        let mut first: Option<String> = None;
        for text in prompts {
            let typed = prompt(&text).map_err(VaultError::Password)?.trim().to_owned();
            if typed.is_empty() {
                return Err(VaultError::Password("Invalid vault password was provided".to_owned()));
            }
            if first.get_or_insert_with(|| typed.clone()) != &typed {
                return Err(VaultError::Password("Passwords do not match".to_owned()));
            }
        }
        Ok(Secret::new(first.unwrap_or_default()))
    }
}

/// The password in a file, or what a script prints.
fn read(path: &Path, id: Option<&str>, known: &Secrets) -> Result<Secret, VaultError> {
    let shown = path.display();
    let path = &home(path);
    let metadata = std::fs::metadata(path)
        .map_err(|_| VaultError::Password(format!("The vault password file {shown} was not found")))?;
    if metadata.is_dir() {
        let message = format!("The vault password file provided '{shown}' can not be a directory");
        return Err(VaultError::Password(message));
    }
    let (bytes, kind) = if metadata.permissions().mode() & 0o111 == 0 {
        let bytes = std::fs::read(path).map_err(|error| {
            VaultError::Password(format!("Could not read vault password file {shown}: {error}"))
        })?;
        let bytes = known.open(Cow::Owned(bytes.trim_ascii().to_vec()), &shown.to_string())?.into_owned();
        (bytes, "file")
    } else {
        (script(path, id)?, "script")
    };
    let trimmed: &[u8] = match bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')) {
        Some(last) => &bytes[..=last],
        None => &[],
    };
    if trimmed.is_empty() {
        let message = format!("Invalid vault password was provided from {kind} ({shown})");
        return Err(VaultError::Password(message));
    }
    Ok(Secret::new(trimmed))
}

/// The path with `~` as the home directory.
fn home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(below), Some(home)) => PathBuf::from(home).join(below),
        _ => path.to_owned(),
    }
}

fn script(path: &Path, id: Option<&str>) -> Result<Vec<u8>, VaultError> {
    let shown = path.display();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut command = Command::new(absolute);
    let is_client = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-client"));
    if let Some(id) = id.filter(|_| is_client) {
        command.args(["--vault-id", id]);
    }
    let output = command.stdin(Stdio::inherit()).stderr(Stdio::inherit()).output().map_err(|error| {
        VaultError::Password(format!(
            "Problem running vault password script {shown} ({error}). If this is not a script, remove the executable bit from the file."
        ))
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let code = output.status.code().unwrap_or(-1);
    Err(VaultError::Password(match (is_client, code) {
        (true, 2) => format!(
            "Vault password client script {shown} did not find a secret for vault-id={}",
            id.unwrap_or("None")
        ),
        _ => format!("Vault password script {shown} returned non-zero ({code})"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_scripts_and_prompts_give_passwords() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plain");
        std::fs::write(&file, "from-file\n").unwrap();
        let script = dir.path().join("ask-client.sh");
        std::fs::write(&script, "#!/bin/sh\necho \"$2-password\"\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let sources = Sources {
            ids: vec![format!("prod@{}", script.display()), "dev@prompt".to_owned()],
            password_files: vec![file.display().to_string()],
            ..Sources::default()
        };
        let mut asked = Vec::new();
        let mut prompt = |text: &str| {
            asked.push(text.to_owned());
            Ok("typed".to_owned())
        };
        let secrets = sources.load(&mut prompt, |_| {}).unwrap();
        assert_eq!(secrets.ids().collect::<Vec<_>>(), ["prod", "dev", "default"]);
        assert_eq!(secrets.to_encrypt(Some("prod")).unwrap().1, &Secret::new("prod-password"));
        assert_eq!(secrets.to_encrypt(Some("dev")).unwrap().1, &Secret::new("typed"));
        assert_eq!(secrets.to_encrypt(Some("default")).unwrap().1, &Secret::new("from-file"));
        assert_eq!(asked, ["Vault password (dev): "]);
    }

    #[test]
    fn a_missing_file_is_an_error_unless_another_source_works() {
        let sources = Sources { password_files: vec!["/nonexistent/p".to_owned()], ..Sources::default() };
        let mut none = |_: &str| Err("no terminal".to_owned());
        let error = sources.load(&mut none, |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "The vault password file /nonexistent/p was not found");
    }
}
