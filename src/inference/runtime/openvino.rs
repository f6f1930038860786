//! The OpenVINO plugin of ONNX Runtime (`onnxruntime-ep-openvino`).
//!
//! The plugin is loaded at the first use, after the server is ready. A crash would end the server, so a process of its own
//! loads the plugin and compiles each model first ([`check`]).

pub mod check;
mod version;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use mien_host::sync::lock;
use ort::{
    device::Device,
    environment::Environment,
    memory::DeviceType,
    session::builder::{BuilderResult, SessionBuilder},
};
use serde::{Deserialize, Serialize};

use self::check::Check;
use super::{Runtime, library};
use crate::inference::{engine::Precision, onnx::message::without_absolute_paths};

/// Name of the execution provider of the plugin.
const PROVIDER: &str = "OpenVINOExecutionProvider";
/// Subdirectory of the plugin in the setup directory.
const PLUGIN_DIR: &str = "openvino";
/// File name of the plugin.
const PLUGIN: &str = "libonnxruntime_providers_openvino_plugin.so";

/// How OpenVINO is used.
#[derive(Debug, Clone, Default)]
pub struct OpenVinoOptions {
    /// The file of the plugin; by default the one that `cargo xtask setup` or an archive installs.
    pub plugin: Option<PathBuf>,
    /// Directory of compiled models. Without it each start compiles them again.
    pub cache: Option<PathBuf>,
    /// The executable of the server, which checks the plugin in a process of its own. Without it the plugin is not checked.
    pub program: Option<PathBuf>,
}

/// Why OpenVINO cannot execute a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenVinoError {
    /// The plugin is not installed.
    #[error("the OpenVINO plugin is not installed; `cargo xtask setup` installs it")]
    NotInstalled,
    /// The plugin does not support the processor.
    #[error(
        "the OpenVINO plugin does not support this processor; version 1.8 supports processors of Intel only"
    )]
    NoDevice,
    /// The processor does not have bfloat16 instructions, so OpenVINO would compute in single precision.
    #[error("the processor does not have bfloat16 instructions (avx512_bf16 or amx_bf16)")]
    NoBf16,
    /// The plugin cannot be loaded.
    #[error("cannot use the OpenVINO plugin: {0}")]
    Plugin(String),
    /// The plugin cannot compile or run the model.
    #[error("OpenVINO cannot execute the model: {0}")]
    Model(String),
    /// The probabilities differ too much from those of the default provider.
    #[error("OpenVINO does not agree with the default provider: {0}")]
    Disagreement(String),
}

impl OpenVinoError {
    /// The values of [`Self::reason`].
    pub const REASONS: [&str; 5] = ["missing", "processor", "plugin", "model", "disagreement"];

    /// Returns the label of the metric.
    pub fn reason(&self) -> &'static str {
        let [missing, processor, plugin, model, disagreement] = Self::REASONS;
        match self {
            Self::NotInstalled => missing,
            Self::NoDevice | Self::NoBf16 => processor,
            Self::Plugin(_) => plugin,
            Self::Model(_) => model,
            Self::Disagreement(_) => disagreement,
        }
    }
}

/// The plugin and its options.
#[derive(Default)]
pub(crate) struct OpenVino {
    options: OpenVinoOptions,
    /// Identifies the version of the plugin.
    version: OnceLock<Option<String>>,
    /// The result of loading the plugin.
    loaded: OnceLock<Result<PathBuf, OpenVinoError>>,
}

/// A model file that OpenVINO has compiled.
#[derive(Debug, Clone)]
pub struct CompiledModel {
    /// The precision of the arithmetic.
    pub(in crate::inference) precision: Precision,
    /// Number of cores that one inference call uses.
    pub(in crate::inference) threads: usize,
    /// Directory of the compiled model, if it is stored.
    pub(in crate::inference) blobs: Option<PathBuf>,
}

impl OpenVino {
    pub(super) fn new(options: OpenVinoOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Returns the absolute path of the plugin. ONNX Runtime would search a relative path in the directory of its own library.
    fn file(&self) -> Option<PathBuf> {
        let plugin = self.options.plugin.clone();
        let plugin = plugin.or_else(|| library::installed(PLUGIN_DIR, PLUGIN))?;
        Some(std::path::absolute(&plugin).unwrap_or(plugin))
    }

    /// Loads the plugin, once.
    fn plugin(&self, runtime: &Runtime) -> Result<&Path, OpenVinoError> {
        let loaded = self.loaded.get_or_init(|| {
            let plugin = self.file().ok_or(OpenVinoError::NotInstalled)?;
            if let Some(program) = &self.options.program {
                let plugin = plugin.clone();
                Check {
                    plugin,
                    model: None,
                }
                .run_in_process(program, &runtime.load_priority)?;
            }
            register(&runtime.environment, &plugin)?;
            Ok(plugin)
        });
        loaded.as_deref().map_err(Clone::clone)
    }

    /// Returns the directory of compiled models.
    pub(in crate::inference) fn cache(&self) -> Option<&Path> {
        self.options.cache.as_deref()
    }

    /// Returns the executable that checks models in a process of its own.
    pub(in crate::inference) fn program(&self) -> Option<&Path> {
        self.options.program.as_deref()
    }
}

impl Runtime {
    /// Loads the OpenVINO plugin, at the first call, and returns its path.
    ///
    /// # Errors
    /// Returns the reason if the plugin cannot be used.
    pub(crate) fn openvino_plugin(&self) -> Result<&Path, OpenVinoError> {
        self.openvino.plugin(self)
    }

    /// Returns a text that identifies the version of the OpenVINO plugin, or `None` if the plugin is not installed. Does not load it.
    pub(crate) fn openvino_version(&self) -> Option<String> {
        let version = &self.openvino.version;
        let read = || version::of(&self.openvino.file()?).ok();
        version.get_or_init(read).clone()
    }

    /// Adds the OpenVINO device to a session.
    ///
    /// # Errors
    /// Returns an error if the plugin is not loaded.
    #[expect(
        clippy::result_large_err,
        reason = "the error of ort contains the builder"
    )]
    pub(in crate::inference) fn with_openvino_device(
        &self,
        builder: SessionBuilder,
        model: &CompiledModel,
    ) -> BuilderResult {
        let options = [(format!("{PROVIDER}.load_config"), load_config(model))];
        builder.with_devices(device(&self.environment), Some(&options))
    }
}

/// Returns the executable of this process, which can check the plugin in a process of its own. On Linux it can be started even if its
/// file was replaced.
pub fn this_program() -> Option<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() {
        Some(link)
    } else {
        env::current_exe().ok()
    }
}

/// Loads a plugin into the process, unless it is loaded already.
///
/// # Errors
/// Returns the reason if it cannot be loaded or does not support the processor.
fn register(environment: &Environment, plugin: &Path) -> Result<(), OpenVinoError> {
    static REGISTERED: Mutex<BTreeMap<PathBuf, Result<(), OpenVinoError>>> =
        Mutex::new(BTreeMap::new());
    let mut registered = lock(&REGISTERED);
    let count = registered.len();
    let result = registered.entry(plugin.to_owned()).or_insert_with(|| {
        // ONNX Runtime rejects a second library with the same name.
        let name = format!("openvino-{count}");
        environment
            .register_ep_library(name, plugin)
            .map_err(|error| OpenVinoError::Plugin(without_absolute_paths(error.message())))?;
        device(environment).map(drop).ok_or(OpenVinoError::NoDevice)
    });
    result.clone()
}

/// Returns the CPU device of the plugin.
fn device(environment: &Environment) -> Option<Device<'_>> {
    environment.devices().find(|device| {
        matches!(device.ep(), Ok(PROVIDER)) && device.hardware_device().ty() == DeviceType::CPU
    })
}

/// Returns OpenVINO's properties: one stream and the worker's threads. The threads are not bound to cores, because sessions
/// with the same number of threads would be bound to the same cores.
fn load_config(model: &CompiledModel) -> String {
    let precision = match model.precision {
        Precision::Fp32 => "f32",
        Precision::Bf16 => "bf16",
    };
    let mut properties = serde_json::json!({
        "ENABLE_CPU_PINNING": "NO",
        "INFERENCE_NUM_THREADS": model.threads.max(1).to_string(),
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": "1",
    });
    if let Some(blobs) = &model.blobs {
        properties["CACHE_DIR"] = blobs.to_string_lossy().into();
    }
    serde_json::json!({ "CPU": properties }).to_string()
}
