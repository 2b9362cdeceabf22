//! `--version` as scripts read it (`cli/arguments/option_helpers.py`).

use crate::playbook::Config;

/// The version of ansible-core that daytwo follows.
pub(super) const CORE_VERSION: &str = "2.18.19";

/// Prints the version of a program.
pub(super) fn print(program: &str) {
    let config = Config::load().unwrap_or_default();
    let paths =
        |name: &str| config.paths(name).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let file = config.file.as_ref().map_or_else(|| "None".to_owned(), |file| file.display().to_string());
    let modules: Vec<String> = paths("DEFAULT_MODULE_PATH").iter().map(|path| format!("'{path}'")).collect();
    let executable = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    println!("{program} [core {CORE_VERSION}]");
    println!("  config file = {file}");
    println!("  configured module search path = [{}]", modules.join(", "));
    println!("  ansible collection location = {}", paths("COLLECTIONS_PATHS").join(":"));
    println!("  executable location = {executable}");
    println!("  daytwo version = {}", env!("CARGO_PKG_VERSION"));
}
