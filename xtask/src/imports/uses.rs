//! `use a::{b, c::{d, e}};` written out as one path a line.

/// The lines of a source with their numbers, from 1. A `use` statement is not shown as it stands: each path that it imports
/// is a line `use a::c::d` of its own, with the number of the line that its last part stands on.
pub(super) fn written_out(text: &str) -> Vec<(usize, String)> {
    let mut lines = text.lines().zip(1..);
    let mut out = Vec::new();
    while let Some((line, number)) = lines.next() {
        let Some(tree) = imported(line) else {
            out.push((number, line.to_owned()));
            continue;
        };
        let mut paths = Paths::default();
        let (mut part, mut number) = (tree, number);
        while !paths.read(part, number) {
            match lines.next() {
                Some((line, next)) => (part, number) = (line, next),
                None => break,
            }
        }
        out.append(&mut paths.found);
    }
    out
}

/// What follows `use` in the first line of a statement, whoever may see it.
fn imported(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let public = line.strip_prefix("pub").map(|rest| match rest.split_once(')') {
        Some((scope, rest)) if scope.starts_with('(') => rest,
        _ => rest,
    });
    public.unwrap_or(line).trim_start().strip_prefix("use ")
}

/// The paths of a tree of imports, read from left to right.
#[derive(Default)]
struct Paths {
    /// What stands before each brace that is open.
    open: Vec<String>,
    /// The path under way, from the last brace or comma on.
    path: String,
    found: Vec<(usize, String)>,
}

impl Paths {
    /// Reads a line; true at the end of the statement.
    fn read(&mut self, line: &str, number: usize) -> bool {
        for letter in line.chars() {
            match letter {
                '{' => self.open.push(std::mem::take(&mut self.path)),
                ',' => self.end(number),
                '}' => {
                    self.end(number);
                    self.open.pop();
                }
                ';' => {
                    self.end(number);
                    return true;
                }
                _ => self.path.push(letter),
            }
        }
        false
    }

    fn end(&mut self, number: usize) {
        let last = std::mem::take(&mut self.path);
        if !last.trim().is_empty() {
            let path = [self.open.concat().replace(' ', ""), last.trim().to_owned()].concat();
            self.found.push((number, format!("use {path}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_written_out_with_the_lines_of_their_leaves() {
        let text = "use std::fs;\npub(crate) use crate::{\n    a,\n    b::{self, c as d},\n};\nlet x = {1};\n";
        let expected = [
            (1, "use std::fs"),
            (3, "use crate::a"),
            (4, "use crate::b::self"),
            (4, "use crate::b::c as d"),
            (6, "let x = {1};"),
        ];
        assert_eq!(written_out(text), expected.map(|(number, line)| (number, line.to_owned())));
    }

    #[test]
    fn other_lines_are_shown_as_they_stand_and_a_statement_without_an_end_ends_with_the_file() {
        assert_eq!(
            written_out("// use a::b;\nreuse x;"),
            [(1, "// use a::b;".to_owned()), (2, "reuse x;".to_owned())]
        );
        assert_eq!(written_out("use a::{b,"), [(1, "use a::b".to_owned())]);
    }
}
