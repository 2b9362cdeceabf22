//! `daytwo image`: an image of the program and a project, without a container daemon.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::blocking::wait;
use super::chart_flags::{AccessFlags, SettingsFlags};
use crate::project::image::{Image, Ingredients};
use crate::repository;

/// Flags of `daytwo image`.
#[derive(Args)]
pub(super) struct Build {
    /// The project: the directory with watches.yaml
    #[arg(default_value = ".")]
    project: PathBuf,
    /// The name and tag of the image
    #[arg(short, long, default_value = "daytwo.dev/operator:dev")]
    tag: String,
    /// Where it is written: a file, or a directory for --format=layout
    #[arg(short, long, default_value = "image.tar")]
    output: PathBuf,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Archive)]
    format: Format,
    /// The program: a static binary [default: this one]
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Another file or directory of the project that belongs into the image (can be given several times)
    #[arg(long, value_name = "PATH")]
    include: Vec<PathBuf>,
    /// Upload it to the registry that its name begins with, and write no file
    #[arg(long, conflicts_with_all = ["output", "format"])]
    push: bool,
    #[command(flatten)]
    access: AccessFlags,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One tar archive, for docker load, podman load, ctr images import
    Archive,
    /// An OCI image layout in a directory
    Layout,
}

impl Build {
    pub(super) fn run(&self) -> ExitCode {
        match self.build() {
            Ok(image) => {
                println!("{} {}", self.tag, image.digest());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("Error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn build(&self) -> Result<Image, String> {
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => std::env::current_exe().map_err(|error| error.to_string())?,
        };
        let image = Image::build(&Ingredients {
            binary,
            project: self.project.clone(),
            include: self.include.clone(),
            name: self.tag.clone(),
        })
        .map_err(|error| error.to_string())?;
        if self.push {
            let (access, settings) = (self.access.access(), self.settings.settings());
            let pushed =
                repository::push_image(&self.tag, image.blobs(), image.manifest(), &access, &settings);
            wait(pushed)?;
            return Ok(image);
        }
        match self.format {
            Format::Archive => image.write_archive(&self.output),
            Format::Layout => image.write_layout(&self.output),
        }
        .map_err(|error| error.to_string())?;
        Ok(image)
    }
}
