//! CPU time and memory of a process and its children, from `/proc`.

use std::{fs, io, time::Duration};

use rustix::param::clock_ticks_per_second;
use serde::Serialize;

/// A process with all of its descendants.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

/// Resource usage of a process and its living descendants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// User and system time since the start.
    #[serde(skip)]
    pub cpu: Duration,
    /// Current resident memory in bytes.
    pub resident: u64,
    /// Peak resident memory in bytes.
    pub peak: u64,
}

impl Process {
    /// Returns this process.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// Reads the resource usage.
    ///
    /// # Errors
    /// Returns an error if the process does not exist.
    pub fn usage(self) -> io::Result<Usage> {
        let mut usage = usage_of(self.0)?;
        for pid in self.descendants()? {
            // The usage of an ended descendant is lost.
            let Ok(more) = usage_of(pid) else { continue };
            usage.cpu += more.cpu;
            usage.resident += more.resident;
            usage.peak += more.peak;
        }
        Ok(usage)
    }

    fn descendants(self) -> io::Result<Vec<u32>> {
        let pids = fs::read_dir("/proc")?.filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, fields(&stat)?.nth(1)?.parse::<u32>().ok()?))
        });
        let parents: Vec<(u32, u32)> = pids.collect();
        let mut found = vec![self.0];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            found.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(pid, _)| *pid),
            );
            next += 1;
        }
        found.remove(0);
        Ok(found)
    }
}

/// Reads the resource usage of one process.
fn usage_of(pid: u32) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let ticks = fields(&stat)
        .map(|fields| fields.skip(11).take(2))
        .into_iter()
        .flatten();
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    let cpu = Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64);
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    };
    Ok(Usage {
        cpu,
        resident: bytes("VmRSS:"),
        peak: bytes("VmHWM:"),
    })
}

/// Returns the fields of `stat` after the process name, which may contain any character.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_includes_child_processes() {
        let own = Process::own().usage().unwrap();
        assert!(own.resident > 0 && own.peak >= own.resident, "{own:?}");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let children = Process::own().descendants().unwrap();
        assert!(children.contains(&child.id()), "{children:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Process(u32::MAX).usage().is_err());
    }

    #[test]
    fn process_name_does_not_shift_fields() {
        let stat = "7 (a) b) S 3 0 0";
        assert_eq!(
            fields(stat).unwrap().collect::<Vec<_>>(),
            ["S", "3", "0", "0"]
        );
    }
}
