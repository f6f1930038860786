//! Who may name whom: the doors between the rooms of ARCHITECTURE.md, checked over the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::cargo;

/// Below `room`, save in `except`, no line of code holds one of `words`.
struct Rule {
    room: &'static str,
    except: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        room: "src",
        except: &["src/inference/onnx.rs", "src/inference/runtime.rs"],
        words: &["use ort", "ort::"],
        why: "only inference/onnx.rs and inference/runtime.rs know ONNX Runtime",
    },
    Rule {
        room: "src",
        except: &[
            "src/http.rs",
            "src/http",
            "src/startup.rs",
            "src/startup",
            "src/lib.rs",
            "src/main.rs",
        ],
        words: &["crate::http", "use actix", "actix_web::"],
        why: "nothing but startup imports http, and no other room knows actix",
    },
    Rule {
        room: "src/inference",
        except: &[],
        words: &["crate::batching", "crate::models", "crate::metrics", "crate::evaluation"],
        why: "inference knows pictures and labels only",
    },
    Rule {
        room: "src/batching",
        except: &[],
        words: &["crate::models", "crate::evaluation", "crate::explanation"],
        why: "batching knows inference and metrics only",
    },
    Rule {
        room: "src/explanation",
        except: &["src/explanation/run.rs"],
        words: &["crate::batching", "crate::inference", "futures_util", "tokio"],
        why: "patches, maps and pictures are pure; only explanation/run.rs asks a model",
    },
    Rule {
        room: "src/explanation",
        except: &[],
        words: &[
            "use tokio",
            "crate::models",
            "crate::metrics",
            "crate::evaluation",
            "crate::state",
        ],
        why: "an explanation needs a batcher and knows nothing of whose it is",
    },
    Rule {
        room: "src/bench",
        except: &[],
        words: &["crate::evaluation", "crate::settings", "crate::cli"],
        why: "a bench sees a server from outside, and below HTTP only what it measures",
    },
    Rule {
        room: "src/tuning",
        except: &[],
        words: &["crate::batching", "crate::models", "crate::metrics", "crate::evaluation"],
        why: "tuning measures classifiers and knows nothing of what is made of them",
    },
    Rule {
        room: "src/models",
        except: &[],
        words: &["crate::evaluation", "crate::explanation", "crate::promotion"],
        why: "models are built on batching, evaluation on models",
    },
    Rule {
        room: "src/evaluation",
        except: &[],
        words: &["crate::promotion"],
        why: "promotions are built on evaluations",
    },
    Rule {
        room: "src/state",
        except: &[],
        words: &[
            "crate::batching",
            "crate::models",
            "crate::inference",
            "crate::metrics",
            "crate::evaluation",
            "crate::promotion",
        ],
        why: "state keeps plain records and knows nothing of who makes them",
    },
    Rule {
        room: "src/evaluation/report",
        except: &[],
        words: &["tokio", "crate::state", "crate::models", "crate::batching", "std::fs"],
        why: "a report is written from what it is given, for the server and the command line",
    },
    Rule {
        room: "src/v2",
        except: &[],
        words: &["actix", "tonic", "prost", "crate::http", "crate::grpc"],
        why: "the inference protocol's service knows neither of its doors",
    },
    Rule {
        room: "src",
        except: &["src/grpc.rs", "src/grpc", "src/startup.rs", "src/startup"],
        words: &["use tonic", "tonic::", "crate::grpc", "prost"],
        why: "nothing but startup imports grpc, and no other room knows tonic",
    },
    Rule {
        room: "faces/src",
        except: &[],
        words: &["actix", "tokio", "ort::", "use ort", "tch::"],
        why: "what both sides share is pure",
    },
    Rule {
        room: "training/src/arch",
        except: &[],
        words: &["tch::", "prost", "crate::torch", "crate::onnx", "crate::train"],
        why: "a network's description knows neither of its readers",
    },
    Rule {
        room: "training/src/torch",
        except: &[],
        words: &["crate::onnx"],
        why: "the two readers of a graph never meet",
    },
    Rule {
        room: "training/src/onnx",
        except: &[],
        words: &["crate::torch", "tch::"],
        why: "the two readers of a graph never meet",
    },
    Rule {
        room: "training/src",
        except: &[],
        words: &["use mien::", "mien::http"],
        why: "trainer and server share mien-faces and the model file, nothing else",
    },
];

/// Checks every rule over the sources below `root`.
///
/// # Errors
/// All lines that break a rule.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut broken = Vec::new();
    for rule in RULES {
        for file in sources(root, rule.room)? {
            if rule.except.iter().any(|except| file.starts_with(except)) {
                continue;
            }
            let text = fs::read_to_string(root.join(&file))?;
            let lines = offending_lines(&text, rule.words);
            broken.extend(lines.map(|line| format!("{}:{line}: {}", file.display(), rule.why)));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("imports against ARCHITECTURE.md:\n{}", broken.join("\n"))
}

/// Checks what the server's build needs, in all of its dependencies: nothing of libtorch or the trainer.
///
/// # Errors
/// The package that does not belong there.
pub(crate) fn server_tree() -> Result<()> {
    let mut tree = cargo(&["tree", "--locked", "--package", "mien", "--edges", "normal,build"]);
    let output = tree.args(["--prefix", "none", "--format", "{p}"]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages = String::from_utf8_lossy(&output.stdout);
    match stranger(&packages) {
        Some(line) => bail!("the server's build must do without {line}"),
        None => Ok(()),
    }
}

/// The first line of a `cargo tree` that names a package of the trainer's.
fn stranger(packages: &str) -> Option<&str> {
    packages.lines().find(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        ["tch", "torch-sys", "mien-training"].contains(&name)
    })
}

/// Numbers, from 1, of the lines of code that hold one of the words.
fn offending_lines<'a>(text: &'a str, words: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let code = line.trim_start();
        let found = !code.starts_with("//") && words.iter().any(|word| holds(code, word));
        found.then_some(index + 1)
    })
}

/// Whether the word stands in the line and is not the end of a longer name (`tch::` in `patch::`).
fn holds(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // A whole name: nothing of a name before it, and after `use ort` or `crate::http` neither.
        let ends = word.ends_with(':') || matches!(word, "use actix" | "prost") || !is_name(after);
        !is_name(before) && ends
    })
}

/// All Rust files of a room (a folder, and the file of its name), relative to the root, sorted.
fn sources(root: &Path, room: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let own = PathBuf::from(format!("{room}.rs"));
    if root.join(&own).is_file() {
        files.push(own);
    }
    let mut folders = vec![PathBuf::from(room)];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        for entry in
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?
        {
            let name = folder.join(entry?.file_name());
            if root.join(&name).is_dir() {
                folders.push(name);
            } else if name.extension().is_some_and(|extension| extension == "rs") {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_code_and_not_in_comments_or_longer_names() {
        let text = "//! ort::Session\nuse ort::Session;\nlet x = import::y;\nuse orthogonal;\n";
        let words = ["use ort", "ort::"];
        assert_eq!(offending_lines(text, &words).collect::<Vec<_>>(), [2]);
        assert_eq!(offending_lines("use crate::http::error;", &["crate::http"]).count(), 1);
        assert_eq!(offending_lines("use crate::httpish;", &["crate::http"]).count(), 0);
    }

    #[test]
    fn the_checkout_keeps_its_rules() {
        check(&crate::workspace::root()).unwrap();
    }

    #[test]
    fn a_package_of_the_trainer_is_found_in_the_servers_tree() {
        assert_eq!(stranger("mien v0.1.0\nort v2.0.0\npitch v1.0.0"), None);
        assert_eq!(stranger("mien v0.1.0\ntch v0.26.0"), Some("tch v0.26.0"));
    }

    #[test]
    fn a_broken_rule_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        for rule in RULES {
            fs::create_dir_all(folder.path().join(rule.room)).unwrap();
        }
        fs::write(folder.path().join("training/src/arch/op.rs"), "\nuse tch::Tensor;\n").unwrap();
        let error = check(folder.path()).unwrap_err().to_string();
        assert!(error.contains("training/src/arch/op.rs:2"), "{error}");
    }
}
