//! The processor time that other processes use.
//!
//! The source is `/proc/stat`, for three reasons. The load average covers at least a minute and counts the threads of the
//! caller. Pressure information (PSI) counts the threads of the caller too, and many kernels do not provide it. `/proc/stat`
//! counts the time that a hypervisor gives to other virtual machines, which neither of the others does.

use std::{fs, path::Path};

use crate::cpu::available_cores;

/// Processor time since the start of the machine, in ticks of 10 ms, of the processors that this process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuTimes {
    /// Number of these processors.
    pub processors: usize,
    /// Time of all processors together, including idle time.
    pub total: u64,
    /// Time that other processes, interrupts and other virtual machines used.
    pub others: u64,
}

impl CpuTimes {
    /// Reads the current times. Returns `None` on systems without `/proc/stat`.
    pub fn now() -> Option<Self> {
        Self::read(Path::new("/proc"))
    }

    /// Reads the times from the files of a `proc` directory.
    fn read(proc: &Path) -> Option<Self> {
        let status = fs::read_to_string(proc.join("self/status")).ok()?;
        let own = fs::read_to_string(proc.join("self/stat")).ok()?;
        let all = fs::read_to_string(proc.join("stat")).ok()?;
        let allowed = allowed_processors(&status)?;
        let (mut processors, mut total, mut busy) = (0, 0, 0);
        for (processor, times) in all.lines().filter_map(processor_times) {
            if allowed.iter().any(|range| range.contains(&processor)) {
                processors += 1;
                total += times.total;
                busy += times.busy;
            }
        }
        let others = busy.saturating_sub(own_ticks(&own)?);
        (total > 0).then_some(Self {
            processors,
            total,
            others,
        })
    }

    /// Returns the share, 0 to 1, of the cores of this process that others occupied between `self` and `later`. Returns `None`
    /// if no time has passed.
    ///
    /// Under a CPU quota the process has fewer cores than processors. Others then occupy its cores only when fewer idle
    /// processors than cores are left.
    pub fn load_until(&self, later: &Self) -> Option<f64> {
        self.load_of_cores(later, available_cores())
    }

    fn load_of_cores(&self, later: &Self, cores: usize) -> Option<f64> {
        let total = later.total.checked_sub(self.total).filter(|&t| t > 0)?;
        // The difference may be negative by a tick, because the files are not read at the same moment.
        let others = later.others.saturating_sub(self.others);
        let free = later.processors as f64 * (1.0 - others as f64 / total as f64);
        Some((1.0 - free / cores as f64).clamp(0.0, 1.0))
    }
}

/// The times of one processor.
struct ProcessorTimes {
    total: u64,
    busy: u64,
}

/// Parses a line such as `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`. The times of guests are part
/// of `user` and `nice`.
fn processor_times(line: &str) -> Option<(usize, ProcessorTimes)> {
    let mut fields = line.strip_prefix("cpu")?.split_ascii_whitespace();
    // The first line does not have a number; it is the sum of the other lines.
    let processor = fields.next().filter(|_| !line.starts_with("cpu "))?;
    let times: Vec<u64> = fields.take(8).map_while(|time| time.parse().ok()).collect();
    let &[_, _, _, idle, iowait, ..] = &times[..] else {
        return None;
    };
    let total: u64 = times.iter().sum();
    let busy = total - idle - iowait;
    Some((processor.parse().ok()?, ProcessorTimes { total, busy }))
}

/// Returns the ranges of the processors that a process may use, from `/proc/self/status`: `Cpus_allowed_list: 0-3,8`.
fn allowed_processors(status: &str) -> Option<Vec<std::ops::RangeInclusive<usize>>> {
    let mut lines = status.lines();
    let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    list.split(',').map(range).collect()
}

/// Returns the user and system time of a process and its ended threads, from `/proc/self/stat`.
fn own_ticks(stat: &str) -> Option<u64> {
    // The name of the program is in parentheses and may contain spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the files of a process that used `own` ticks, on two of three processors.
    fn times(own: u64, processors: [&str; 3]) -> Option<CpuTimes> {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("self")).unwrap();
        let write = |name: &str, text: String| fs::write(proc.path().join(name), text).unwrap();
        write(
            "self/status",
            "Name:\tx\nCpus_allowed_list:\t0,2-7\n".to_owned(),
        );
        write(
            "self/stat",
            format!("7 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 {own} 5 0 0 20 0"),
        );
        let [a, b, c] = processors;
        write(
            "stat",
            format!("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 {a}\ncpu1 {b}\ncpu2 {c}\nintr 1 2\n"),
        );
        CpuTimes::read(proc.path())
    }

    #[test]
    fn times_of_allowed_processors_are_summed() {
        let read = times(
            35,
            [
                "10 0 20 100 8 1 2 3 4 0",
                "99 9 9 9 9 9 9 9 9 9",
                "20 4 0 70 0 0 0 6 20 4",
            ],
        );
        let expected = CpuTimes {
            processors: 2,
            total: 144 + 100,
            others: 36 + 30 - 40,
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn files_without_times_are_unknown() {
        assert_eq!(times(0, ["0 0 0 0 0 0 0 0 0 0"; 3]), None);
        assert_eq!(times(0, ["no number"; 3]), None);
        assert_eq!(CpuTimes::read(Path::new("/nonexistent")), None);
    }

    #[test]
    fn load_is_share_of_occupied_cores() {
        let times = |total, others| CpuTimes {
            processors: 4,
            total,
            others,
        };
        let load = |others, cores| times(1000, 500).load_of_cores(&times(1400, others), cores);
        assert_eq!(load(500, 4), Some(0.0));
        assert_eq!(load(600, 4), Some(0.25), "one of four processors is busy");
        assert_eq!(load(600, 2), Some(0.0), "three processors are idle");
        assert_eq!(load(800, 2), Some(0.5));
        assert_eq!(load(900, 2), Some(1.0));
        assert_eq!(load(499, 4), Some(0.0), "inexact accounting");
        assert_eq!(times(5, 0).load_until(&times(5, 0)), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_has_times() {
        let now = CpuTimes::now().unwrap();
        assert!(now.processors >= available_cores() && now.others <= now.total);
    }
}
