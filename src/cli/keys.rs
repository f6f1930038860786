//! `mien keys`: creates API keys.

use std::{
    fmt::Write as _,
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use mien_host::atomic_file;

use crate::auth::{
    Scope,
    keys::{document, secret},
};

/// Arguments of `mien keys`.
#[derive(Debug, Clone, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum KeysCommand {
    /// Create an API key and print it once
    ///
    /// Only the SHA-256 of the key is stored, so the key cannot be printed again. Without --file, the entry for the file of keys is
    /// printed after the key.
    New(NewArgs),
}

#[derive(Debug, Clone, Args)]
struct NewArgs {
    /// Name of the key in metrics and errors: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[arg(value_name = "NAME")]
    name: String,

    /// Permission of the key. Repeatable.
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        value_enum,
        default_value = "infer"
    )]
    scopes: Vec<Scope>,

    /// Maximum number of images per second. By default the rate is not limited.
    #[arg(long, value_name = "NUMBER")]
    images_per_second: Option<f64>,

    /// Maximum number of images at once. By default the number of images of a second.
    #[arg(long, value_name = "COUNT")]
    burst: Option<u32>,

    /// Maximum number of images that are processed at once. By default the number is not limited.
    #[arg(long, value_name = "COUNT")]
    concurrent_images: Option<u32>,

    /// File of --api-keys. The entry of the key is added to it; the file is created if it is missing.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl KeysArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// Returns an error if an argument is invalid or the file cannot be changed.
    pub fn run(&self) -> anyhow::Result<()> {
        let KeysCommand::New(args) = &self.command;
        let key = secret::generate().context("the system does not provide random numbers")?;
        let entry = args.entry(&secret::sha256(&key))?;
        if let Some(file) = &args.file {
            append(file, &entry)?;
            writeln!(io::stdout(), "{key}")
        } else {
            write!(io::stdout(), "{key}\n\n{entry}")
        }
        .context("cannot write to standard output")
    }
}

impl NewArgs {
    /// Returns the table of the key.
    fn entry(&self, sha256: &str) -> anyhow::Result<String> {
        if let Err(problem) = document::check_name(&self.name) {
            bail!("NAME `{}` {problem}", self.name);
        }
        let limits = document::limits(self.images_per_second, self.burst, self.concurrent_images);
        if let Err((field, problem)) = limits {
            bail!("--{} {problem}", field.replace('_', "-"));
        }
        let scopes = self
            .scopes
            .iter()
            .map(|scope| format!("\"{}\"", scope.name()));
        let scopes = scopes.collect::<Vec<_>>().join(", ");
        let mut entry = format!(
            "[[key]]\nname = \"{}\"\nsha256 = \"{sha256}\"\nscopes = [{scopes}]\n",
            self.name
        );
        let rate = self.images_per_second.map(|rate| format!("{rate:?}"));
        let counts = [
            ("images_per_second", rate),
            ("burst", self.burst.map(|count| count.to_string())),
            (
                "concurrent_images",
                self.concurrent_images.map(|count| count.to_string()),
            ),
        ];
        for (field, value) in counts {
            if let Some(value) = value {
                writeln!(entry, "{field} = {value}").expect("writing to a string does not fail");
            }
        }
        Ok(entry)
    }
}

/// Adds an entry to a file of keys and replaces the file atomically. The result must be valid.
fn append(file: &Path, entry: &str) -> anyhow::Result<()> {
    let content = match fs::read_to_string(file) {
        Ok(content) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", file.display()));
        }
    };
    let separator = match content.as_str() {
        "" => "",
        content if content.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let content = format!("{content}{separator}{entry}");
    document::parse(&content)
        .with_context(|| format!("the key cannot be added to `{}`", file.display()))?;
    // The target of a link is replaced, so that the link stays.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    atomic_file::replace(&target, content.as_bytes())
        .with_context(|| format!("cannot write `{}`", file.display()))
}
