//! The syntax of GitHub Flavored Markdown.

use std::fmt::{self, Write as _};

/// Writes a heading of the second level.
pub(super) fn heading(text: &mut String, name: &str) -> fmt::Result {
    writeln!(text, "\n## {name}")
}

/// Writes a table whose first columns are text and whose other ones are numbers. Writes nothing if there are no rows.
pub(super) fn table(
    text: &mut String,
    text_columns: usize,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> fmt::Result {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let marks = columns
        .iter()
        .enumerate()
        .map(|(at, _)| if at < text_columns { "---|" } else { "---:|" });
    writeln!(
        text,
        "\n| {} |\n|{}",
        columns.join(" | "),
        marks.collect::<String>()
    )?;
    for row in rows {
        writeln!(text, "| {} |", row.join(" | "))?;
    }
    Ok(())
}

/// Escapes the characters that have a meaning in Markdown.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' => {
                escaped.extend(['\\', letter]);
            }
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
