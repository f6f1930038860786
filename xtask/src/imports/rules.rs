//! The table of ARCHITECTURE.md: paths that a module must not use.

use super::rule::Rule;

/// All rules.
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
        why: "intake reads requests and must not use modules that are built on models",
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
        why: "masks, maps and overlays are pure functions; only explanation/run may call a model",
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
        module: "bench/hostile/src",
        except: &[],
        forbidden: &["mien", "mien_faces"],
        why: "attacks must not depend on the server that they attack",
    },
    Rule {
        module: "bench/loadgen/src",
        except: &[],
        forbidden: &["mien", "mien_faces"],
        why: "the load generator must not depend on the server that it measures",
    },
    Rule {
        module: "src/detection",
        except: &[],
        forbidden: &["crate::models", "crate::evaluation"],
        why: "detection finds faces for any model and must not use models",
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
        why: "store stores plain records and must not use the modules that create them",
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
