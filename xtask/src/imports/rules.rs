//! The rules of ARCHITECTURE.md: paths that a module must not use.

use std::path::Path;

use super::module_tree::ModuleTree;

/// Forbids paths in a module and its submodules.
pub(super) struct Rule {
    /// File of the module without `.rs`.
    module: &'static str,
    /// Modules below it that the rule does not apply to.
    except: &'static [&'static str],
    /// Beginnings of the forbidden paths. A `*` at the end of a crate's name matches all crates of a family.
    forbidden: &'static [&'static str],
    why: &'static str,
}

impl Rule {
    /// Returns the modules that the rule names and that do not exist, for example after a renaming.
    pub(super) fn missing_modules(&self, root: &Path) -> impl Iterator<Item = &'static str> {
        let named = std::iter::once(&self.module).chain(self.except);
        named.copied().filter(|module| {
            let path = root.join(module);
            !path.is_dir() && !path.with_extension("rs").is_file()
        })
    }

    /// Returns a message for each line that breaks the rule.
    pub(super) fn violations(&self, tree: &ModuleTree) -> Vec<String> {
        let mut messages = Vec::new();
        for (file, line, path) in tree.absolute_paths() {
            let applies = is_in_module(file, self.module)
                && !self.except.iter().any(|except| is_in_module(file, except));
            if applies
                && self
                    .forbidden
                    .iter()
                    .any(|forbidden| begins_with(&path, forbidden))
            {
                messages.push(format!("{}:{line}: {}", file.display(), self.why));
            }
        }
        messages.dedup();
        messages
    }
}

/// Whether the file is the module's own or that of a submodule.
fn is_in_module(file: &Path, module: &str) -> bool {
    file.starts_with(module) || file == Path::new(&format!("{module}.rs"))
}

fn begins_with(path: &[String], forbidden: &str) -> bool {
    let mut segments = path.iter();
    forbidden.split("::").all(|expected| {
        segments
            .next()
            .is_some_and(|segment| match expected.strip_suffix('*') {
                Some(family) => segment.starts_with(family),
                None => segment == expected,
            })
    })
}

/// The table of ARCHITECTURE.md.
pub(super) const RULES: &[Rule] = &[
    Rule {
        module: "src",
        except: &["src/inference/onnx", "src/inference/runtime"],
        forbidden: &["ort*"],
        why: "only inference/onnx and inference/runtime may use ONNX Runtime",
    },
    Rule {
        module: "src",
        except: &[
            "src/http",
            "src/startup",
            "src/fuzzing",
            "src/lib",
            "src/main",
        ],
        forbidden: &["crate::http"],
        why: "only startup may use http",
    },
    Rule {
        module: "src",
        except: &[
            "src/http",
            "src/intake",
            "src/startup",
            "src/fuzzing",
            "src/lib",
            "src/main",
        ],
        forbidden: &["actix*"],
        why: "only http, intake and startup may use actix",
    },
    Rule {
        module: "src/intake",
        except: &[],
        forbidden: &["crate::evaluation", "crate::promotion"],
        why: "intake reads requests and must not use what is built on models",
    },
    Rule {
        module: "src/inference",
        except: &[],
        forbidden: &[
            "crate::batching",
            "crate::models",
            "crate::metrics",
            "crate::evaluation",
        ],
        why: "inference maps images to probabilities and must not use the layers above it",
    },
    Rule {
        module: "src/batching",
        except: &[],
        forbidden: &["crate::models", "crate::evaluation", "crate::explanation"],
        why: "batching may use inference and metrics only",
    },
    Rule {
        module: "src/jobs",
        except: &[],
        forbidden: &[
            "crate::batching",
            "crate::models",
            "crate::evaluation",
            "crate::promotion",
        ],
        why: "jobs runs any kind of job and knows only the store",
    },
    Rule {
        module: "src/explanation",
        except: &["src/explanation/run"],
        forbidden: &[
            "crate::batching",
            "crate::inference",
            "futures_util",
            "tokio*",
        ],
        why: "masks, maps and overlays are pure; only explanation/run may call a model",
    },
    Rule {
        module: "src/explanation",
        except: &[],
        forbidden: &["crate::models", "crate::evaluation", "crate::store"],
        why: "explanation gets a batcher and must not look up models itself",
    },
    Rule {
        module: "src/bench",
        except: &[],
        forbidden: &["crate::evaluation", "crate::settings", "crate::cli"],
        why: "bench measures a server from outside",
    },
    Rule {
        module: "bench/loadgen/src",
        except: &[],
        forbidden: &["mien", "mien_faces"],
        why: "the load generator must not depend on the server that it measures",
    },
    Rule {
        module: "src/tuning",
        except: &[],
        forbidden: &[
            "crate::batching",
            "crate::models",
            "crate::metrics",
            "crate::evaluation",
        ],
        why: "tuning measures classifiers and must not use the layers above inference",
    },
    Rule {
        module: "src/models",
        except: &[],
        forbidden: &[
            "crate::evaluation",
            "crate::explanation",
            "crate::promotion",
        ],
        why: "models may use batching; evaluation, explanation and promotion are built on models",
    },
    Rule {
        module: "src/evaluation",
        except: &[],
        forbidden: &["crate::promotion"],
        why: "promotion is built on evaluation",
    },
    Rule {
        module: "src/store",
        except: &[],
        forbidden: &[
            "crate::batching",
            "crate::models",
            "crate::inference",
            "crate::metrics",
            "crate::evaluation",
            "crate::promotion",
        ],
        why: "store keeps plain records and must not use the modules that make them",
    },
    Rule {
        module: "src/evaluation/report",
        except: &[],
        forbidden: &[
            "tokio*",
            "crate::store",
            "crate::models",
            "crate::batching",
            "std::fs",
        ],
        why: "a report is rendered from its arguments, for the server and the command line",
    },
    Rule {
        module: "src/oip",
        except: &[],
        forbidden: &["actix*", "tonic*", "prost*", "crate::http", "crate::grpc"],
        why: "oip must not depend on a transport",
    },
    Rule {
        module: "src",
        except: &["src/grpc", "src/startup", "src/fuzzing"],
        forbidden: &["crate::grpc", "tonic*", "prost*"],
        why: "only startup may use grpc, and only grpc and startup may use tonic and prost",
    },
    Rule {
        module: "faces/src",
        except: &[],
        forbidden: &["actix*", "tokio*", "ort*", "tch"],
        why: "faces is pure; server and trainer share it",
    },
    Rule {
        module: "training/src/arch",
        except: &[],
        forbidden: &[
            "tch",
            "prost*",
            "crate::torch",
            "crate::onnx",
            "crate::train",
        ],
        why: "arch describes networks and must not use the modules that read the description",
    },
    Rule {
        module: "training/src/torch",
        except: &[],
        forbidden: &["crate::onnx"],
        why: "torch and onnx both read arch and must not use each other",
    },
    Rule {
        module: "training/src/onnx",
        except: &[],
        forbidden: &["crate::torch", "tch"],
        why: "torch and onnx both read arch and must not use each other",
    },
    Rule {
        module: "training/src",
        except: &[],
        forbidden: &["mien"],
        why: "trainer and server share only mien-faces and the model file",
    },
];
