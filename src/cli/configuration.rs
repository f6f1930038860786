//! `mien configuration`: the settings of `mien serve` as Markdown. `docs/configuration.md` is its committed copy.

use std::fmt::{self, Write as _};

use clap::{Arg, CommandFactory, builder::PossibleValue};

use super::Cli;

const INTRODUCTION: &str = "\
# Configuration

This file lists every setting of `mien serve`. It is generated: change the help text in `src/settings/` and run
`cargo xtask docs`.

Each setting is a flag and an environment variable. A flag has priority over its variable. Formats of the values:

| format | meaning | examples |
|---|---|---|
| `ADDRESS` | host name or IP address, and port; port 0 selects a free one | `0.0.0.0:8080`, `[::1]:8080`, `localhost:8080` |
| `TIME` | duration with a unit, at most 365 days | `500ms`, `30s`, `5m` |
| `SECONDS` | duration with a unit, or a number of seconds, at most 365 days | `5`, `0.5`, `500ms` |
| `SIZE` | bytes, with or without a unit | `10MiB`, `500kB`, `1048576` |
| `COUNT` | number, with or without a unit | `64`, `24M` |

Switches take no value as a flag; their variable takes `true` or `false`. The default is empty if the
setting has none.
";

/// The heading of settings without a `next_help_heading`.
const GENERAL: &str = "General";

/// Returns the reference of the settings of `mien serve`.
pub fn markdown() -> String {
    let mut text = String::new();
    write(&mut text).expect("writing to a string does not fail");
    text
}

fn write(text: &mut String) -> fmt::Result {
    let mut cli = Cli::command();
    cli.build();
    let serve = cli
        .find_subcommand("serve")
        .expect("`serve` is a subcommand of `mien`");
    let settings: Vec<&Arg> = serve
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
        .collect();
    text.push_str(INTRODUCTION);
    for heading in headings(&settings) {
        writeln!(text, "\n## {heading}\n")?;
        writeln!(
            text,
            "| flag | variable | default | description |\n|---|---|---|---|"
        )?;
        for setting in settings.iter().filter(|arg| heading_of(arg) == heading) {
            row(text, setting)?;
        }
    }
    Ok(())
}

/// Returns the headings in the order in which they appear first, the general one before the others.
fn headings<'a>(settings: &[&'a Arg]) -> Vec<&'a str> {
    let mut headings = vec![GENERAL];
    for heading in settings.iter().map(|arg| heading_of(arg)) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

fn heading_of(setting: &Arg) -> &str {
    setting.get_help_heading().unwrap_or(GENERAL)
}

fn row(text: &mut String, setting: &Arg) -> fmt::Result {
    let flag = setting.get_long().expect("every setting has a long flag");
    let variable = setting
        .get_env()
        .expect("settings without a variable are left out")
        .display();
    let flag = match value_format(setting) {
        Some(value) => format!("`--{flag} {value}`"),
        None => format!("`--{flag}`"),
    };
    let defaults = setting
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.display()));
    let default = defaults.collect::<Vec<_>>().join(", ");
    let help = setting
        .get_long_help()
        .or_else(|| setting.get_help())
        .unwrap_or_default();
    // clap removes the last full stop of a help text with one paragraph.
    let help = format!("{}.", help.to_string().trim_end_matches('.'));
    let cells = [flag, format!("`{variable}`"), default, help];
    writeln!(text, "| {} |", cells.map(|cell| escape(&cell)).join(" | "))
}

/// Returns the possible values of a setting, otherwise the name of its value; `None` for switches.
fn value_format(setting: &Arg) -> Option<String> {
    if !setting.get_action().takes_values() {
        return None;
    }
    let possible = setting.get_possible_values();
    if possible.is_empty() {
        return setting.get_value_names().map(|names| names.join(" "));
    }
    Some(
        possible
            .iter()
            .map(PossibleValue::get_name)
            .collect::<Vec<_>>()
            .join("|"),
    )
}

/// Makes text fit into one cell of a table.
fn escape(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn markdown_lists_flag_variable_default_and_help() {
        let text = markdown();
        let row = text
            .lines()
            .find(|line| line.contains("MIEN_MAX_QUEUE_SIZE"));
        let row = row.expect("the setting has a row");
        assert!(
            row.starts_with("| `--max-queue-size COUNT` | `MIEN_MAX_QUEUE_SIZE` | `64` | "),
            "{row}"
        );
        assert!(text.contains("\n## Batching\n"), "{text}");
        assert!(text.contains("| `--log-format text\\|json` |"), "{text}");
    }

    #[test]
    fn markdown_rows_have_four_cells() {
        for row in markdown().lines().filter(|line| line.starts_with("| `--")) {
            let cells = row.replace("\\|", "").matches('|').count() - 1;
            assert_eq!(cells, 4, "{row}");
        }
    }
}
