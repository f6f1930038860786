//! Measures one network from raw ONNX Runtime to HTTP under overload.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use mien_faces::image::{Limits, decode};
use mien_loadgen::{
    connection::request,
    load::{LoadResult, Target, closed_loop, open_loop},
    window::Timing,
};

use super::{
    baseline, interleaved,
    overload::{Overload, overload},
    repository::SingleVersionRepository,
    server::Server,
    study::{Memory, Ready, Serving, Study},
};
use crate::{
    batching::{RetiredWorkers, StartMode},
    inference::{engine::Execution, runtime::Runtime},
    metrics::Metrics,
    models::{
        ModelVersion, engines::Engines, live::LiveModel, load::ModelLoader, repository::VersionDir,
        serving_options::ServingOptions, source::inspect, version_config::VersionConfig,
        version_files::VersionFiles,
    },
    tuning::{Point, Tuner, TuningOptions},
};

/// Numbers of connections of the closed loops.
pub const CONNECTIONS: [usize; 3] = [1, 8, 32];

/// Offered load of the open loop as a share of the best throughput.
const LOAD: f64 = 0.7;

/// Common parameters.
pub struct Setup {
    /// PNG images to send.
    pub faces: Vec<Vec<u8>>,
    /// Duration of each load.
    pub timing: Timing,
    /// Duration of measuring the curve of raw ONNX Runtime.
    pub budget: Duration,
    /// ONNX Runtime on the CPU.
    pub runtime: Runtime,
    /// Engine and precision of raw ONNX Runtime, the batcher and the server.
    pub execution: Execution,
}

/// Measures a version of a model.
///
/// # Errors
/// Returns an error if the model cannot be loaded or the server cannot be started.
pub async fn study(setup: &Setup, name: &str, found: &VersionDir) -> anyhow::Result<Study> {
    let time = setup.timing.measured;
    tracing::info!(name, "bench: raw ONNX Runtime");
    let source = inspect(
        &setup.runtime,
        &VersionFiles::from(found),
        VersionConfig::read(&found.path)?,
        1,
    )?
    .source;
    let raw = baseline::raw(&source, setup.execution, setup.budget, time)?;

    tracing::info!(name, "bench: batcher");
    let batcher = batcher(setup, load(setup, name, found, &raw.best)?).await?;

    let repository = SingleVersionRepository::new(name, found, setup.execution)?;
    tracing::info!(name, "bench: server without a stored curve");
    let server = Server::start(&repository).await?;
    let first = server.ready_after;
    let measured = server.until_measured(name).await?;
    drop(server);
    let start = async || {
        let server = Server::start(&repository).await?;
        server.until_engine(name, setup.execution).await?;
        let target = target(&server, &setup.faces);
        anyhow::Ok((server, target))
    };
    let (server, target) = start().await?;
    let ready = Ready {
        first: first.as_secs_f64(),
        measured: measured.map(|after| after.as_secs_f64()),
        cached: server.ready_after.as_secs_f64(),
    };
    let serving = serving(&server, name).await?;
    let single = baseline::single(&source, setup.execution, serving.intra_op_threads, time)?;
    tracing::info!("bench: server and ONNX Runtime interleaved");
    let interleaved = interleaved::measure(
        (&source, setup.execution),
        &raw.best,
        serving.intra_op_threads,
        start,
        time,
    )
    .await?;
    let (http, overload, memory) = under_load(setup, &server, &serving, &target).await?;
    Ok(Study {
        name: name.to_owned(),
        execution: setup.execution,
        raw,
        single,
        batcher,
        serving,
        ready_seconds: ready,
        interleaved,
        http,
        overload,
        memory,
    })
}

/// Measures the batcher of a model and then ends its workers.
async fn batcher(setup: &Setup, model: Arc<LiveModel>) -> anyhow::Result<LoadResult> {
    let decoded = setup
        .faces
        .iter()
        .map(|bytes| decode(bytes, &Limits::default()));
    let decoded = decoded
        .collect::<Result<Vec<_>, _>>()
        .context("cannot read a face")?;
    let side = model.signature.side;
    let faces: Vec<_> = decoded.iter().map(|image| image.to_face(side)).collect();
    let result = baseline::batcher(Arc::clone(&model), &faces, setup.timing).await?;
    model.batcher.join();
    Ok(result)
}

/// Returns the serving configuration of a model in a server.
async fn serving(server: &Server, name: &str) -> anyhow::Result<Serving> {
    let document = server.get(&format!("/v1/models/{name}")).await?;
    let versions = document["versions"].as_array().into_iter().flatten();
    let serving = versions.filter_map(|version| version.get("serving")).next();
    let serving = serving.context("the server does not serve the model")?;
    serde_json::from_value(serving.clone()).context("reading the serving configuration")
}

/// Returns the requests: every face in rotation.
fn target(server: &Server, faces: &[Vec<u8>]) -> Target {
    let headers = [("content-type".to_owned(), "image/png".to_owned())];
    let post = |face: &Vec<u8>| request("POST", server.addr, "/v1/classify", &headers, face);
    Target {
        addr: server.addr,
        requests: faces.iter().map(post).collect(),
        expect: "\"label\"".to_owned(),
        process: Some(server.process()),
    }
}

/// Measures the loads over HTTP.
async fn under_load(
    setup: &Setup,
    server: &Server,
    serving: &Serving,
    target: &Target,
) -> anyhow::Result<(Vec<LoadResult>, Option<Overload>, Memory)> {
    let ready = server.process().usage()?;
    let mut http = Vec::new();
    for connections in CONNECTIONS {
        tracing::info!(connections, "bench: closed loop");
        http.push(closed_loop(target, connections, setup.timing).await?);
    }
    let best = http
        .iter()
        .map(|result| result.images_per_second)
        .fold(0.0, f64::max);
    let name = format!("open loop, {:.0} % of saturation", 100.0 * LOAD);
    tracing::info!("bench: open loop");
    http.push(open_loop(target, &name, LOAD * best, setup.timing).await?);
    let overload = overload(target, server, serving.max_queue_size, setup.timing).await?;
    Ok((
        http,
        overload,
        Memory {
            ready,
            end: server.process().usage()?,
        },
    ))
}

/// Loads the model in this process with the best configuration of raw ONNX Runtime.
fn load(
    setup: &Setup,
    name: &str,
    found: &VersionDir,
    best: &Point,
) -> anyhow::Result<Arc<LiveModel>> {
    let options = ServingOptions {
        max_queue_size: 4096,
        max_batch: Some(best.batch),
        max_queue_delay: Duration::ZERO,
        instances: Some(best.instances),
        intra_op_threads: Some(best.intra_op_threads),
    };
    let (runtime, metrics) = (setup.runtime.clone(), Arc::new(Metrics::new()));
    let retired_workers = RetiredWorkers::default();
    let loader = ModelLoader {
        runtime,
        options,
        tuner: Tuner::new(TuningOptions::off()),
        default_batch: None,
        engines: Engines::new(setup.execution.request(), None),
        verifier: None,
        metrics,
        drift: None,
        retired_workers,
        startup_mode: StartMode::AllWorkers,
    };
    Ok(loader.load_with_engine(name, ModelVersion::FIRST, found)?)
}

/// Lists the PNG files of a directory, sorted by name.
///
/// # Errors
/// Returns an error if there are none.
pub fn read_faces(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let shown = folder.display();
    let entries = fs::read_dir(folder).with_context(|| {
        format!("cannot read the images of `{shown}`; set a directory with --faces")
    })?;
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    paths.sort();
    anyhow::ensure!(
        !paths.is_empty(),
        "no PNG file in `{shown}`; set a directory with --faces"
    );
    Ok(paths.iter().map(fs::read).collect::<Result<_, _>>()?)
}
