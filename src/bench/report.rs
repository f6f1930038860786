//! Prints the figures.

use mien_loadgen::{latency::Latency, load::LoadResult, process::Usage};
use std::fmt::{self, Write};

use super::{
    interleaved::{Compared, Interleaved},
    overload::Overload,
    study::{Ready, Serving, Study},
};
use crate::{inference::engine::Engine, tuning::Point};

/// Formats one table per network and its targets.
pub fn study(study: &Study) -> String {
    let mut text = String::new();
    write_study(&mut text, study).expect("writing to a string does not fail");
    text
}

/// Formats results as a table without target figures.
pub fn results(title: &str, results: &[LoadResult]) -> String {
    let mut text = String::new();
    let written =
        head(&mut text, title).and_then(|()| results.iter().try_for_each(|l| result(&mut text, l)));
    written.expect("writing to a string does not fail");
    text
}

fn write_study(text: &mut String, study: &Study) -> fmt::Result {
    let Study {
        name,
        execution,
        raw,
        single,
        batcher,
        http,
        overload,
        ..
    } = study;
    head(text, name)?;
    let engine = match execution.engine {
        Engine::OnnxRuntime => "ONNX Runtime".to_owned(),
        Engine::OpenVino => format!("OpenVINO {}", execution.precision.name()),
    };
    let best = format!("{engine}, {}", raw.best.configuration());
    point(text, &best, &raw.best, Some(raw.cpu_seconds_per_1000))?;
    let single_session = format!("{engine}, 1x{} batch 1", single.intra_op_threads);
    point(text, &single_session, single, None)?;
    result(text, batcher)?;
    http.iter().try_for_each(|l| result(text, l))?;
    if let Some(Overload {
        saturated,
        overloaded,
        ..
    }) = overload
    {
        result(text, saturated)?;
        result(text, overloaded)?;
    }
    server(text, study)?;
    compare(text, study)?;
    writeln!(text)
}

/// Formats the configuration, the start-up times and the memory of the server.
fn server(text: &mut String, study: &Study) -> fmt::Result {
    let Serving {
        instances,
        intra_op_threads,
        max_batch,
        max_queue_size,
    } = study.serving;
    writeln!(
        text,
        "  server              {instances}x{intra_op_threads} batch {max_batch}, queue {max_queue_size}"
    )?;
    let Ready {
        first,
        measured,
        cached,
    } = study.ready_seconds;
    let measured = measured.map_or_else(
        || "no reliable measurement".to_owned(),
        |after| format!("measured after {after:.2} s"),
    );
    writeln!(
        text,
        "  start to ready      {first:.2} s without a curve ({measured}), {cached:.2} s with a stored curve"
    )?;
    let [ready, end] = [study.memory.ready, study.memory.end].map(mebibytes);
    writeln!(
        text,
        "  resident memory     {ready} ready, {end} after all load"
    )
}

/// Formats the target figures.
fn compare(text: &mut String, study: &Study) -> fmt::Result {
    let Interleaved {
        one_connection,
        per_cpu_second,
        per_second,
    } = &study.interleaved;
    let shares = [
        ("saturated/raw", "images per CPU second", per_cpu_second),
        ("", "images/s", per_second),
    ];
    for (
        title,
        what,
        Compared {
            raw,
            http,
            median,
            by_start: (least, most),
        },
    ) in shares
    {
        writeln!(
            text,
            "  {title:20}{median:.3} of the {what} ({http:.1} of {raw:.1}), {least:.3} to {most:.3} per start"
        )?;
    }
    let Compared {
        raw,
        http,
        median,
        by_start: (least, most),
    } = one_connection;
    writeln!(
        text,
        "  one connection      {median:+.2} ms ({http:.2} and {raw:.2} ms), {least:+.2} to {most:+.2} ms per start"
    )?;
    study
        .overload
        .as_ref()
        .map_or(Ok(()), |overload| write_overload(text, overload))
}

/// Formats the figures under overload.
fn write_overload(text: &mut String, overload: &Overload) -> fmt::Result {
    let Overload {
        saturated,
        overloaded,
        stalled_ms,
        memory,
    } = overload;
    if let (Some(at), Some(over)) = (saturated.latency, overloaded.latency) {
        let ratio = over.p99 / at.p99;
        writeln!(
            text,
            "  overload            p99 of accepted {ratio:.2} times that at saturation"
        )?;
    }
    if let Some(Latency {
        count,
        p50,
        p99,
        p999,
        max,
        ..
    }) = overloaded.refused
    {
        writeln!(
            text,
            "                      {count} rejected in p50 {p50:.2}, p99 {p99:.2}, p99.9 {p999:.2}, max {max:.2} ms"
        )?;
    }
    if let Some(stalled) = stalled_ms {
        writeln!(
            text,
            "                      longest scheduling stall of the machine {stalled:.2} ms"
        )?;
    }
    let [before, after] = memory.map(mebibytes);
    writeln!(
        text,
        "                      resident {before} before, {after} after"
    )?;
    Ok(())
}

fn head(text: &mut String, title: &str) -> fmt::Result {
    writeln!(
        text,
        "{title:34}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>14}{:>9}{:>8}",
        "images/s",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "CPU s/1000",
        "images/CPU s",
        "refused",
        "failed"
    )
}

fn point(text: &mut String, name: &str, point: &Point, cpu: Option<f64>) -> fmt::Result {
    let Point {
        images_per_second,
        run_ms,
        ..
    } = point;
    write!(
        text,
        "  {name:32}{images_per_second:>10.1}{run_ms:>10.2}{:>30}",
        ""
    )?;
    cpu_columns(text, cpu)?;
    writeln!(text)
}

fn result(text: &mut String, result: &LoadResult) -> fmt::Result {
    write!(
        text,
        "  {:32}{:>10.1}",
        result.name, result.images_per_second
    )?;
    match result.latency {
        None => write!(text, "{:>10}{:>10}{:>10}{:>10}", "-", "-", "-", "-")?,
        Some(Latency {
            p50, p90, p99, max, ..
        }) => {
            write!(text, "{p50:>10.2}{p90:>10.2}{p99:>10.2}{max:>10.2}")?;
        }
    }
    cpu_columns(text, result.cpu_seconds_per_1000)?;
    let refused = result.refused.map_or(0, |refused| refused.count);
    writeln!(text, "{refused:>9}{:>8}", result.failed)?;
    match &result.failure {
        Some(reason) => writeln!(text, "    first failure: {reason}"),
        None => Ok(()),
    }
}

fn cpu_columns(text: &mut String, cpu_seconds_per_1000: Option<f64>) -> fmt::Result {
    match cpu_seconds_per_1000 {
        Some(seconds) => write!(text, "{seconds:>12.3}{:>14.1}", 1e3 / seconds),
        None => write!(text, "{:>12}{:>14}", "-", "-"),
    }
}

fn mebibytes(Usage { resident, peak, .. }: Usage) -> String {
    format!("{} MiB (peak {})", resident >> 20, peak >> 20)
}
