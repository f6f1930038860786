//! The GPUs that nvidia-smi lists.

use std::{path::Path, process::Command};

/// Fields of `nvidia-smi --query-gpu`, in the order of [`Gpu`].
const FIELDS: &str = "name,memory.total,compute_cap,driver_version";

/// A GPU as reported by nvidia-smi.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gpu {
    pub(super) name: String,
    /// Total memory with its unit, such as `40960 MiB`.
    pub(super) memory: String,
    /// Such as `8.0`.
    pub(super) capability: String,
    /// Version of the driver, such as `580.65.06`.
    pub(super) driver: String,
}

/// Lists the GPUs with the program at a path.
///
/// # Errors
/// Returns the reason with a remedy if the program cannot be started or fails.
pub(super) fn list(program: &Path) -> Result<Vec<Gpu>, String> {
    let mut query = Command::new(program);
    query
        .arg(format!("--query-gpu={FIELDS}"))
        .arg("--format=csv,noheader");
    let output = query.output().map_err(|error| {
        format!(
            "{} cannot be started: {error}. Reinstall the driver.",
            program.display()
        )
    })?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        return Err(format!(
            "nvidia-smi failed: {}. Load the kernel module with `modprobe nvidia`, or reinstall the driver.",
            String::from_utf8_lossy(&text).trim()
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(parse).collect())
}

/// Reads a line of the output: four fields that are separated by `, `.
fn parse(line: &str) -> Option<Gpu> {
    let mut fields = line.split(", ").map(|field| field.trim().to_owned());
    Some(Gpu {
        name: fields.next().filter(|name| !name.is_empty())?,
        memory: fields.next()?,
        capability: fields.next()?,
        driver: fields.next()?,
    })
}
