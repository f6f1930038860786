//! Settings of the admin API.

use std::{
    ffi::OsStr,
    fmt::Display,
    fs::File,
    io::{self, Read},
    path::Path,
};

use clap::{
    Arg, Args, Command,
    builder::TypedValueParser,
    error::{Error, ErrorKind},
};

use crate::auth::{AdminToken, InvalidToken};

/// Maximum size of a token file in bytes.
const MAX_TOKEN_FILE: u64 = 4096;

/// The admin token: a secret for loading, unloading and promoting models, for evaluations, and for deleting records.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Admin API")]
pub struct AdminSettings {
    /// Token for admin requests: loading, unloading and promoting models, evaluations, and deleting records. Clients send it as
    /// `Authorization: Bearer TOKEN`. It must have at least 16 visible ASCII characters. Prefer the variable or
    /// --admin-token-file, because other users of the machine can read flags. Without a token, a server accepts admin
    /// requests on loopback addresses only, and not from proxies.
    #[arg(
        long,
        env = "MIEN_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        value_parser = TokenParser(parse_token)
    )]
    admin_token: Option<AdminToken>,

    /// File that contains the admin token. A line break at its end is ignored.
    #[arg(
        long,
        env = "MIEN_ADMIN_TOKEN_FILE",
        value_name = "FILE",
        conflicts_with = "admin_token",
        value_parser = TokenParser(read_token)
    )]
    admin_token_file: Option<AdminToken>,
}

impl AdminSettings {
    /// Returns the token from `--admin-token` or `--admin-token-file`.
    pub fn token(&self) -> Option<&AdminToken> {
        self.admin_token.as_ref().or(self.admin_token_file.as_ref())
    }
}

/// Gets a token from the value of a setting. Unlike the parsers of clap, it does not repeat an invalid value in its error.
#[derive(Debug, Clone)]
pub(super) struct TokenParser(pub(super) fn(&OsStr) -> Result<AdminToken, String>);

impl TypedValueParser for TokenParser {
    type Value = AdminToken;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<AdminToken, Error> {
        let Self(token) = self;
        token(value).map_err(|reason| {
            let setting = arg.map(ToString::to_string).unwrap_or_default();
            let message = format!("invalid value for `{setting}`: {reason}\n");
            command.clone().error(ErrorKind::ValueValidation, message)
        })
    }
}

pub(super) fn parse_token(text: &OsStr) -> Result<AdminToken, String> {
    let token = text.to_str().ok_or(InvalidToken).and_then(str::parse);
    token.map_err(|error| error.to_string())
}

/// Reads a token from a file. The errors name the file and do not contain its content.
fn read_token(path: &OsStr) -> Result<AdminToken, String> {
    let error = |reason: &dyn Display| format!("`{}`: {reason}", path.display());
    let content = read_token_file(Path::new(path)).map_err(|e| error(&e))?;
    let token = content.strip_suffix('\n').unwrap_or(&content);
    let token = token.strip_suffix('\r').unwrap_or(token);
    token.parse().map_err(|e: InvalidToken| error(&e))
}

fn read_token_file(path: &Path) -> io::Result<String> {
    let mut content = String::new();
    File::open(path)?
        .take(MAX_TOKEN_FILE)
        .read_to_string(&mut content)?;
    Ok(content)
}
