//! `ansible-vault`, which is `daytwo vault` as well (`cli/vault.py`).

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::{Args, Subcommand};

use super::display::Display;
use super::exit;
use super::options::VaultOptions;
use super::setup::{Failure, secrets};
use crate::playbook::Config;
use crate::vault::{Secret, Secrets, encrypt, file};

/// Encrypts and decrypts files and values with passwords.
#[derive(Debug, Args)]
pub(in crate::cli) struct Vault {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new encrypted file with an editor.
    Create(Create),
    /// Decrypt files.
    Decrypt(Decrypt),
    /// Change an encrypted file with an editor.
    Edit(Edit),
    /// Print the plain text of files.
    View(Files),
    /// Encrypt files.
    Encrypt(Encrypt),
    /// Encrypt values for files of YAML.
    #[command(name = "encrypt_string")]
    EncryptString(EncryptString),
    /// Encrypt files with another password.
    Rekey(Rekey),
}

#[derive(Debug, Args)]
struct Files {
    /// The files.
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    vault: VaultOptions,
    /// Say more.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    _verbose: u8,
}

#[derive(Debug, Args)]
struct EncryptId {
    /// The id of the password to encrypt with.
    #[arg(long, value_name = "ID")]
    encrypt_vault_id: Option<String>,
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    id: EncryptId,
    /// Start the editor although there is no terminal.
    #[arg(long)]
    skip_tty_check: bool,
}

#[derive(Debug, Args)]
struct Edit {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    _id: EncryptId,
}

#[derive(Debug, Args)]
struct Decrypt {
    #[command(flatten)]
    files: Files,
    /// Write to this file; `-` is the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
}

#[derive(Debug, Args)]
struct Encrypt {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    id: EncryptId,
    /// Write to this file; `-` is the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
}

#[derive(Debug, Args)]
struct EncryptString {
    #[command(flatten)]
    texts: Files,
    #[command(flatten)]
    id: EncryptId,
    /// Write to this file; `-` is the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Ask for the text.
    #[arg(short = 'p', long)]
    prompt: bool,
    #[arg(long, hide = true)]
    _show_input: bool,
    /// The name of the variable; once for each text.
    #[arg(short = 'n', long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The name of the variable that the standard input holds.
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,
}

#[derive(Debug, Args)]
struct Rekey {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    id: EncryptId,
    /// A file with the new password.
    #[arg(long, value_name = "FILE", conflicts_with = "new_vault_id")]
    new_vault_password_file: Option<String>,
    /// The new password and its id: id@source.
    #[arg(long, value_name = "ID")]
    new_vault_id: Option<String>,
}

/// A password is needed and none was named.
const NO_PASSWORD: &str = "A vault password is required to use Ansible's Vault";

fn wrong(message: impl std::fmt::Display) -> Failure {
    Failure { message: Some(message.to_string()), code: exit::OPTIONS }
}

impl Vault {
    /// Runs the command.
    pub(in crate::cli) fn run(&self) -> ExitCode {
        match self.act() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        }
    }

    fn act(&self) -> Result<(), Failure> {
        match &self.action {
            Action::Create(create) => create.act(),
            Action::Decrypt(decrypt) => decrypt.act(),
            Action::Edit(edit) => {
                let secrets = edit.files.known()?;
                edit.files.files.iter().try_for_each(|name| {
                    file::edit_file(name, &secrets, None, editor).map_err(Failure::error)
                })
            }
            Action::View(view) => {
                let secrets = view.known()?;
                view.files.iter().try_for_each(|name| {
                    let plain = file::decrypted(name, &secrets).map_err(Failure::error)?;
                    file::write(file::STANDARD, &plain).map_err(Failure::error)
                })
            }
            Action::Encrypt(encrypt) => encrypt.act(),
            Action::EncryptString(encrypt) => encrypt.act(),
            Action::Rekey(rekey) => rekey.act(),
        }
    }
}

impl Files {
    /// The passwords that decrypt.
    fn known(&self) -> Result<Secrets, Failure> {
        let secrets = load(&self.vault, false)?;
        if secrets.is_empty() { Err(wrong(NO_PASSWORD)) } else { Ok(secrets) }
    }

    /// The files, or the standard input.
    fn names(&self, output: Option<&str>) -> Result<Vec<&str>, Failure> {
        if output.is_some() && self.files.len() > 1 {
            return Err(wrong("At most one input file may be used with the --output option"));
        }
        match self.files.as_slice() {
            [] => Ok(vec![file::STANDARD]),
            files => Ok(files.iter().map(String::as_str).collect()),
        }
    }

    /// Does something with the password that encrypts and its id.
    fn encrypting<T>(
        &self,
        id: &EncryptId,
        act: impl FnOnce(&str, &Secret) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let secrets = load(&self.vault, true)?;
        let configured = configuration()?.text("DEFAULT_VAULT_ENCRYPT_IDENTITY").map(ToOwned::to_owned);
        let wanted = id.encrypt_vault_id.clone().or(configured);
        let ids: Vec<&str> = secrets.ids().collect();
        match (ids.as_slice(), &wanted) {
            ([], _) => return Err(wrong(NO_PASSWORD)),
            ([_, _, ..], None) => {
                return Err(wrong(format!(
                    "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                    ids.join(",")
                )));
            }
            _ => {}
        }
        let (id, secret) = secrets.to_encrypt(wanted.as_deref()).map_err(Failure::error)?;
        act(id, secret)
    }
}

impl Create {
    fn act(&self) -> Result<(), Failure> {
        let [name] = self.files.files.as_slice() else {
            return Err(wrong("ansible-vault create can take only one filename argument"));
        };
        if !(std::io::stdout().is_terminal() || self.skip_tty_check) {
            return Err(wrong("not a tty, editor cannot be opened"));
        }
        if Path::new(name).is_file() {
            return Err(Failure::error(format!("{name} exists, please use 'edit' instead")));
        }
        if let Some(directory) = Path::new(name).parent() {
            std::fs::create_dir_all(directory).map_err(Failure::error)?;
        }
        self.files.encrypting(&self.id, |id, secret| {
            file::edit_file(name, &Secrets::default(), Some((id, secret)), editor).map_err(Failure::error)
        })
    }
}

impl Decrypt {
    fn act(&self) -> Result<(), Failure> {
        let names = self.files.names(self.output.as_deref())?;
        let secrets = self.files.known()?;
        for name in names {
            let plain = file::decrypted(name, &secrets).map_err(Failure::error)?;
            file::write(self.output.as_deref().unwrap_or(name), &plain).map_err(Failure::error)?;
        }
        tell("Decryption successful");
        Ok(())
    }
}

impl Encrypt {
    fn act(&self) -> Result<(), Failure> {
        let names = self.files.names(self.output.as_deref())?;
        self.files.encrypting(&self.id, |id, secret| {
            names.iter().try_for_each(|name| {
                file::encrypt_file(name, secret, id, self.output.as_deref()).map_err(Failure::error)
            })
        })?;
        tell("Encryption successful");
        Ok(())
    }
}

/// A value to encrypt: its text, where it comes from, and the name of its variable.
type Text = (Vec<u8>, &'static str, Option<String>);

impl EncryptString {
    fn act(&self) -> Result<(), Failure> {
        if self.output.is_some() && self.texts.files.len() > 1 {
            return Err(wrong("At most one input file may be used with the --output option"));
        }
        let texts = self.plain()?;
        let mut lines = Vec::new();
        self.texts.encrypting(&self.id, |id, secret| {
            for (number, (text, source, name)) in texts.iter().enumerate() {
                if texts.len() > 1 {
                    describe(number + 1, source, name.as_deref());
                }
                let sealed = encrypt(text, secret, Some(id), None).map_err(Failure::error)?;
                let head = name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
                lines.push(format!("{head}!vault |"));
                lines.extend(sealed.lines().map(|line| format!("          {line}")));
            }
            Ok(())
        })?;
        let mut out = lines.join("\n");
        out.push('\n');
        let output = self.output.as_deref().unwrap_or(file::STANDARD);
        file::write(output, out.as_bytes()).map_err(Failure::error)?;
        tell("Encryption successful");
        Ok(())
    }

    fn plain(&self) -> Result<Vec<Text>, Failure> {
        let given = &self.texts.files;
        let dash = given.iter().any(|text| text == file::STANDARD);
        let standard = dash || self.stdin_name.is_some() || (given.is_empty() && !self.prompt);
        if self.prompt && standard {
            return Err(wrong("The --prompt option is not supported if also reading input from stdin"));
        }
        let mut texts: Vec<Text> = Vec::new();
        if self.prompt {
            let name = super::setup::ask("Variable name (enter for no name): ").map_err(Failure::error)?;
            let text = super::setup::ask("String to encrypt (hidden): ").map_err(Failure::error)?;
            if text.is_empty() {
                return Err(wrong("The plaintext provided from the prompt was empty, not encrypting"));
            }
            texts.push((text.into_bytes(), "the interactive prompt", Some(name).filter(|it| !it.is_empty())));
        }
        if standard {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text).map_err(Failure::error)?;
            if text.is_empty() {
                return Err(wrong("stdin was empty, not encrypting"));
            }
            texts.push((text, "stdin", self.stdin_name.clone()));
        }
        let given: Vec<&String> = given.iter().filter(|text| *text != file::STANDARD).collect();
        if let Some(last) = self.names.last().filter(|_| given.len() > self.names.len()) {
            eprintln!("The number of --name options do not match the number of args.");
            eprintln!("The last named variable will be \"{last}\". The rest will not have names.");
        }
        for (number, text) in given.into_iter().enumerate() {
            if text.is_empty() {
                let message = "The plaintext provided from the command line args was empty, not encrypting";
                return Err(wrong(message));
            }
            let name = self.names.get(number).cloned();
            texts.push((text.clone().into_bytes(), "the command line args", name));
        }
        Ok(texts)
    }
}

/// Tells on the error output which of several values comes next.
fn describe(number: usize, source: &str, name: Option<&str>) {
    match name {
        Some(name) => {
            eprintln!("# The encrypted version of variable (\"{name}\", the string #{number} from {source}).")
        }
        None => eprintln!("# The encrypted version of the string #{number} from {source}.)"),
    }
}

impl Rekey {
    fn act(&self) -> Result<(), Failure> {
        let old = self.files.known()?;
        let config = configuration()?;
        let configured = config.text("DEFAULT_VAULT_ENCRYPT_IDENTITY").map(ToOwned::to_owned);
        let wanted = self.id.encrypt_vault_id.clone().or(configured);
        let mut options = VaultOptions {
            ask_vault_password: self.files.vault.ask_vault_password,
            ..VaultOptions::default()
        };
        options.vault_ids.extend(self.new_vault_id.clone());
        options.vault_password_files.extend(self.new_vault_password_file.clone());
        let new = load(&options, true)?;
        if new.is_empty() {
            return Err(wrong("A new vault password is required to use Ansible's Vault rekey"));
        }
        let (id, secret) = new.to_encrypt(wanted.as_deref()).map_err(Failure::error)?;
        self.files
            .files
            .iter()
            .try_for_each(|name| file::rekey_file(name, &old, secret, id).map_err(Failure::error))?;
        tell("Rekey successful");
        Ok(())
    }
}

fn configuration() -> Result<Config, Failure> {
    Config::load().map_err(wrong)
}

/// The passwords that the options and the configuration name.
fn load(options: &VaultOptions, new_password: bool) -> Result<Secrets, Failure> {
    if let Some(id) = options.vault_ids.iter().find(|id| id.contains(';')) {
        return Err(wrong(format!(
            "'{id}' is not a valid vault id. The character ';' is not allowed in vault ids"
        )));
    }
    let config = configuration()?;
    let mut display = Display::new(config.flag("DEPRECATION_WARNINGS"));
    let found = secrets(&config, options, new_password, &mut display)?;
    Ok(Secrets::clone(&found))
}

/// Says something to who sits at a terminal.
fn tell(message: &str) {
    if std::io::stdout().is_terminal() {
        eprintln!("{message}");
    }
}

/// Opens the editor of the environment.
fn editor(path: &Path) -> Result<(), String> {
    let editor = std::env::var("EDITOR").ok().filter(|editor| !editor.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    match Command::new(program).args(words).arg(path).status() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("Unable to execute the command \"{editor} {}\": {error}", path.display())),
    }
}
