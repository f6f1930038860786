//! The processor.

use std::{env, fs, num::NonZeroUsize, thread};

/// The keys of `/proc/cpuinfo` that identify processor models on x86 and ARM.
const IDENTIFYING_KEYS: [&str; 7] = [
    "model name",
    "cpu family",
    "model",
    "stepping",
    "CPU implementer",
    "CPU part",
    "CPU variant",
];

/// Returns the number of cores that the process may use, at least 1.
pub fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Returns the processor's name and architecture, for people: `AMD EPYC 7B13, x86_64`.
///
/// Returns only the architecture on systems other than Linux and on processors without a name.
pub fn description() -> String {
    let name = first_processor(&cpuinfo())
        .find(|(key, _)| *key == "model name")
        .map(owned_value);
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

/// Returns whether the processor has a feature, named as in `/proc/cpuinfo`: `avx512_bf16`.
///
/// Returns false on systems other than Linux and on processors that are not x86.
pub fn has_flag(flag: &str) -> bool {
    has_flag_in(&cpuinfo(), flag)
}

fn has_flag_in(cpuinfo: &str, flag: &str) -> bool {
    let mut fields = first_processor(cpuinfo);
    fields.any(|(key, value)| key == "flags" && value.split_whitespace().any(|f| f == flag))
}

fn fingerprint_of(cpuinfo: &str) -> Option<String> {
    let fields = first_processor(cpuinfo).filter(|(key, _)| IDENTIFYING_KEYS.contains(key));
    let values: Vec<String> = fields.map(owned_value).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

/// Returns the fields of the first processor listed in `/proc/cpuinfo`.
fn first_processor(cpuinfo: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = cpuinfo.lines().take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
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
    fn flags_match_whole_names() {
        let x86 = "processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu avx512_bf16 amx_tile\n\nflags\t\t: amx_bf16";
        assert!(has_flag_in(x86, "avx512_bf16"));
        assert!(!has_flag_in(x86, "avx512"), "a part of a name");
        assert!(!has_flag_in(x86, "amx_bf16"), "of another processor");
    }

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
