//! Tuning curves on disk, one per model file and kind of host. Only the points and the conditions of the measurement are
//! stored; the configuration is chosen from the points at every start.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use mien_host::atomic_file;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{curve::Curve, machine::HostFingerprint, sessions::Point, space::Overrides};

/// Version of the file format and of the measurement. Curves of another version are measured again.
const FORMAT: u32 = 3;

/// Upper bound of instances, threads and batch sizes in a valid file.
const MAX_COUNT: usize = 4096;

/// Identifies a curve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    format: u32,
    /// SHA-256 of the model file, hex.
    model: String,
    machine: HostFingerprint,
    /// Values that the settings fix.
    given: Overrides,
}

impl Key {
    pub(super) fn new(model: &str, machine: HostFingerprint, given: Overrides) -> Self {
        Self {
            format: FORMAT,
            model: model.to_owned(),
            machine,
            given,
        }
    }

    /// Returns a file name that is unique to this key.
    fn file_name(&self) -> String {
        let json = serde_json::to_vec(self).expect("a key is plain data");
        let digest = hex::encode(Sha256::digest(json));
        format!("curve-{digest}.json")
    }
}

/// Content of a cache file.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    curve: Curve,
}

/// A directory of curves. If it is not usable, curves are measured again at the next start.
pub(super) struct Cache {
    directory: Option<PathBuf>,
}

impl Cache {
    /// Uses this directory, or by default the user's cache directory.
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory: cache_directory(directory),
        }
    }

    /// Returns the stored curve if it exists and is valid.
    pub(super) fn read(&self, key: &Key) -> Option<Curve> {
        let path = self.directory.as_ref()?.join(key.file_name());
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "tuning: cannot read the stored curve");
                return None;
            }
        };
        let entry = serde_json::from_slice::<Entry>(&text).ok();
        let curve = entry
            .filter(|entry| entry.key == *key)
            .map(|entry| entry.curve);
        let valid =
            curve.filter(|Curve { points, .. }| !points.is_empty() && points.iter().all(is_valid));
        if valid.is_none() {
            tracing::warn!(path = %path.display(), "tuning: the stored curve is damaged; it is measured again");
        }
        valid
    }

    /// Stores a curve and logs a warning if that fails.
    pub(super) fn write(&self, key: &Key, curve: &Curve) {
        let Some(directory) = &self.directory else {
            return tracing::warn!(
                "tuning: the curve is not stored, because there is no cache directory; set --tune-cache"
            );
        };
        if let Err(error) = replace(directory, key, curve) {
            tracing::warn!(
                directory = %directory.display(),
                %error,
                "tuning: cannot store the curve; the next start measures it again"
            );
        }
    }
}

/// Returns whether the values of a point are possible.
fn is_valid(point: &Point) -> bool {
    let Point {
        instances,
        intra_op_threads,
        batch,
        images_per_second,
        run_ms,
        spread,
    } = *point;
    [instances, intra_op_threads, batch]
        .iter()
        .all(|count| (1..=MAX_COUNT).contains(count))
        && [images_per_second, run_ms]
            .iter()
            .all(|value| value.is_finite() && *value > 0.0)
        && spread >= 0.0
}

/// Writes a curve to its file.
fn replace(directory: &Path, key: &Key, curve: &Curve) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let (key, curve) = (key.clone(), curve.clone());
    let path = directory.join(key.file_name());
    atomic_file::write(&path, &serde_json::to_vec_pretty(&Entry { key, curve })?)
}

/// Returns the directory of the settings, by default `$XDG_CACHE_HOME/mien` or `~/.cache/mien`.
pub fn cache_directory(setting: Option<PathBuf>) -> Option<PathBuf> {
    setting.or_else(user_cache_dir)
}

fn user_cache_dir() -> Option<PathBuf> {
    let directory = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = directory("XDG_CACHE_HOME").or_else(|| Some(directory("HOME")?.join(".cache")))?;
    Some(cache.join("mien"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inference::runtime::Device, tuning::space::Layout};

    fn key(model: &str) -> Key {
        let machine = HostFingerprint::new(Device::Cpu, 2, "1.0");
        Key::new(model, machine, Overrides::default())
    }

    fn point(batch: usize, images_per_second: f64) -> Point {
        let Layout {
            instances,
            intra_op_threads,
        } = Layout {
            instances: 2,
            intra_op_threads: 1,
        };
        Point {
            instances,
            intra_op_threads,
            batch,
            images_per_second,
            run_ms: 1.0,
            spread: 0.5,
        }
    }

    fn curve(points: &[Point]) -> Curve {
        Curve::new(points.to_vec(), Some(0.25), 0.1)
    }

    #[test]
    fn curve_is_read_only_for_its_own_key() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(directory.path().join("deep/er")));
        assert_eq!(cache.read(&key("a")), None);
        let curve = curve(&[point(1, 100.5), point(2, 101.25)]);
        cache.write(&key("a"), &curve);
        assert_eq!(cache.read(&key("a")), Some(curve));
        assert_eq!(cache.read(&key("b")), None);
        let names = fs::read_dir(directory.path().join("deep/er")).unwrap();
        assert_eq!(names.count(), 1, "temporary files must be removed");
    }

    #[test]
    fn damaged_file_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(directory.path().to_owned()));
        let path = directory.path().join(key("a").file_name());
        for damage in ["", "{}", "\0", "[1]"] {
            fs::write(&path, damage).unwrap();
            assert_eq!(cache.read(&key("a")), None, "{damage}");
        }
        // Renamed, impossible and empty files.
        cache.write(&key("b"), &curve(&[point(1, 1.0)]));
        fs::rename(directory.path().join(key("b").file_name()), &path).unwrap();
        assert_eq!(cache.read(&key("a")), None);
        for points in [vec![point(0, 1.0)], vec![point(1, -1.0)], vec![]] {
            cache.write(&key("a"), &curve(&points));
            assert_eq!(cache.read(&key("a")), None);
        }
        cache.write(&key("a"), &curve(&[point(1, 1.0)]));
        assert!(cache.read(&key("a")).is_some());
    }

    #[test]
    fn unwritable_directory_is_not_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(Some(file.path().join("below")));
        cache.write(&key("a"), &curve(&[point(1, 1.0)]));
        assert_eq!(cache.read(&key("a")), None);
    }
}
