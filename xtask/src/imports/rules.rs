//! The rules: who may not name whom.

/// Below `room`, save in `except`, no line of code holds one of `words`.
pub(super) struct Rule {
    pub(super) room: &'static str,
    pub(super) except: &'static [&'static str],
    pub(super) words: &'static [&'static str],
    pub(super) why: &'static str,
}

/// The edges of ARCHITECTURE.md.
pub(super) const RULES: &[Rule] = &[
    Rule {
        room: "src",
        except: &["src/inference/onnx.rs", "src/inference/onnx", "src/inference/runtime.rs"],
        words: &["use ort", "ort::"],
        why: "only inference/onnx and inference/runtime.rs know ONNX Runtime",
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
        words: &["use tokio", "crate::models", "crate::evaluation", "crate::state"],
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
