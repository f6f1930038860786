//! Reads the modules, imports and paths of a Rust source file from its tokens.
//!
//! Tokens are enough because the checks need paths only. Unlike a text search, a lexer skips comments and strings and
//! sees paths inside macro calls.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A module of one file: the file's own module or an inline `mod name { .. }`.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Names from the file's module to this one. Empty for the file's own module.
    pub(super) inline: Vec<String>,
    /// Names of the child modules, with and without a body.
    pub(super) children: Vec<String>,
    /// Each name that a `use` declaration brings in, with its path.
    pub(super) imports: Vec<(String, Vec<String>)>,
    /// Paths of the glob imports, without the `*`.
    pub(super) globs: Vec<Vec<String>>,
    /// Every path with at least two segments and every import.
    pub(super) paths: Vec<Path>,
}

/// A path and the line that its last segment is on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

/// Returns the file's own module followed by its inline modules.
///
/// # Errors
/// Returns an error if the text cannot be split into tokens.
pub(super) fn read(text: &str) -> Result<Vec<Module>> {
    let tokens: TokenStream = text
        .parse()
        .map_err(|error| anyhow!("invalid Rust: {error}"))?;
    let mut reader = Reader {
        modules: vec![Module::default()],
    };
    reader.block(tokens, 0);
    Ok(reader.modules)
}

struct Reader {
    modules: Vec<Module>,
}

impl Reader {
    /// Reads tokens that belong to the module with this index.
    fn block(&mut self, tokens: TokenStream, module: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Group(group) => {
                    self.block(group.stream(), module);
                    at + 1
                }
                TokenTree::Ident(word) if word == "mod" => self.child(&tokens, at, module),
                // `use<'a>` in a return type is not an import.
                TokenTree::Ident(word) if word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    self.import(&tokens, at + 1, &[], module)
                }
                TokenTree::Ident(_) => self.path(&tokens, at, module),
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
    }

    /// Reads `mod name;` or `mod name { .. }` and returns the index of the next token.
    fn child(&mut self, tokens: &[TokenTree], at: usize, module: usize) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
            return at + 1;
        };
        let name = name.to_string();
        self.modules[module].children.push(name.clone());
        if let Some(TokenTree::Group(body)) = tokens.get(at + 2)
            && body.delimiter() == Delimiter::Brace
        {
            let inline = [self.modules[module].inline.clone(), vec![name]].concat();
            self.modules.push(Module {
                inline,
                ..Module::default()
            });
            self.block(body.stream(), self.modules.len() - 1);
        }
        at + 3
    }

    /// Reads one branch of a `use` tree and returns the index of the token after the branch.
    fn import(
        &mut self,
        tokens: &[TokenTree],
        mut at: usize,
        prefix: &[String],
        module: usize,
    ) -> usize {
        let mut segments = prefix.to_vec();
        let (mut alias, mut line) = (None, 0);
        while let Some(token) = tokens.get(at) {
            at += 1;
            line = token.span().start().line;
            match token {
                TokenTree::Group(group) => {
                    let tree: Vec<TokenTree> = group.stream().into_iter().collect();
                    let mut next = 0;
                    while next < tree.len() {
                        next = self.import(&tree, next, &segments, module);
                    }
                    // A `,` or `;` follows the group; it belongs to this branch.
                    return at + 1;
                }
                TokenTree::Punct(sign) if matches!(sign.as_char(), ',' | ';') => break,
                TokenTree::Punct(sign) if sign.as_char() == '*' => {
                    self.modules[module].globs.push(segments.clone());
                }
                TokenTree::Ident(word) if word == "as" => {
                    alias = tokens.get(at).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(word) if word == "self" && !segments.is_empty() => {}
                TokenTree::Ident(word) => segments.push(word.to_string()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        let module = &mut self.modules[module];
        if module.globs.last() != Some(&segments)
            && let Some(name) = alias.or_else(|| segments.last().cloned())
        {
            module.imports.push((name, segments.clone()));
        }
        module.paths.push(Path { line, segments });
        at
    }

    /// Reads a path that starts at an identifier and returns the index of the token after the path.
    fn path(&mut self, tokens: &[TokenTree], start: usize, module: usize) -> usize {
        let mut at = start;
        let mut segments = vec![tokens[start].to_string()];
        while is_separator(tokens, at + 1)
            && let Some(TokenTree::Ident(word)) = tokens.get(at + 3)
        {
            segments.push(word.to_string());
            at += 3;
        }
        // The path continues after `Vec::<T>`, but its beginning is already recorded.
        let continues =
            start > 2 && is_separator(tokens, start - 2) && is_punct(tokens.get(start - 3), '>');
        if segments.len() > 1 && !continues {
            let line = tokens[at].span().start().line;
            self.modules[module].paths.push(Path { line, segments });
        }
        at + 1
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Whether `::` is at this index.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let joint =
        |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.spacing() == Spacing::Joint);
    is_punct(tokens.get(at), ':')
        && tokens.get(at).is_some_and(joint)
        && is_punct(tokens.get(at + 1), ':')
}
