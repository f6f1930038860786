//! The checksums in `Cargo.lock`.

use std::collections::BTreeMap;

/// Returns the SHA-256 of the archive of each crate that has one, by name and version.
pub(super) fn checksums(lock: &str) -> BTreeMap<String, String> {
    let packages = lock.split("[[package]]");
    packages
        .filter_map(|package| {
            let label = format!("{} {}", field(package, "name")?, field(package, "version")?);
            Some((label, field(package, "checksum")?.to_owned()))
        })
        .collect()
}

/// Returns the value of a field of a package. Cargo writes each field to a line.
fn field<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    package.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(" = \"")?;
        value.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::checksums;

    #[test]
    fn checksums_skip_crates_of_the_workspace() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = \"registry\"\nchecksum = \"ab\"\n\n\
                    [[package]]\nname = \"mien\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";
        let found = checksums(lock);
        assert_eq!(found.len(), 1);
        assert_eq!(found["a 1.2.3"], "ab");
    }
}
