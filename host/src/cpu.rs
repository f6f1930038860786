//! The processor.

use std::{env, fs, num::NonZeroUsize, thread};

/// The keys of `/proc/cpuinfo` that tell processor models apart, on x86 and on ARM.
const IDENTIFYING_KEYS: [&str; 7] =
    ["model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant"];

/// Returns the number of cores that the process may use, at least 1.
pub fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Returns the processor's name and architecture, for people: `AMD EPYC 7B13, x86_64`.
///
/// Returns the architecture alone on systems other than Linux and on processors without a name.
pub fn description() -> String {
    let name = first_processor(&cpuinfo()).find(|(key, _)| *key == "model name").map(owned_value);
    name.map_or_else(
        || env::consts::ARCH.to_owned(),
        |name| format!("{name}, {}", env::consts::ARCH),
    )
}

/// Returns a text that is equal on machines with the same processor model, and different otherwise.
///
/// Returns the architecture on systems other than Linux.
pub fn fingerprint() -> String {
    fingerprint_of(&cpuinfo()).unwrap_or_else(|| env::consts::ARCH.to_owned())
}

fn fingerprint_of(cpuinfo: &str) -> Option<String> {
    let fields = first_processor(cpuinfo).filter(|(key, _)| IDENTIFYING_KEYS.contains(key));
    let values: Vec<String> = fields.map(owned_value).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

/// Returns the fields of the first processor listed in `/proc/cpuinfo`.
fn first_processor(cpuinfo: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = cpuinfo.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
}

fn owned_value((_, value): (&str, &str)) -> String {
    value.to_owned()
}

fn cpuinfo() -> String {
    fs::read_to_string("/proc/cpuinfo").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_joins_identifying_fields_of_first_processor() {
        let x86 = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\ncpu MHz\t: 2400.1\n\nprocessor\t: 1\nmodel\t\t: 18";
        assert_eq!(fingerprint_of(x86).as_deref(), Some("25 17 AMD EPYC"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(fingerprint_of(arm).as_deref(), Some("0x41 0xd0c"));
        assert_eq!(fingerprint_of(""), None);
    }

    #[test]
    fn description_names_architecture() {
        assert!(description().ends_with(env::consts::ARCH));
    }
}
