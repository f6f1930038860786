//! Curves on disk: measured once for a model file on a kind of machine. Only the points are kept; what they mean is
//! decided anew at every start.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{machine::Machine, sessions::Point, space::Given};

/// Of the files and of how they are measured. A file of another format is measured again.
const FORMAT: u32 = 2;

/// No instances, threads or images of a run are more than this.
const MOST: usize = 4096;

/// What a curve belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    format: u32,
    /// SHA-256 of the model file, hex.
    model: String,
    machine: Machine,
    /// What was not open.
    given: Given,
}

impl Key {
    pub(super) fn new(model: &str, machine: Machine, given: Given) -> Self {
        Self { format: FORMAT, model: model.to_owned(), machine, given }
    }

    /// A name that no other key has.
    fn file_name(&self) -> String {
        let json = serde_json::to_vec(self).expect("a key is plain data");
        let digest: String = Sha256::digest(json).iter().map(|b| format!("{b:02x}")).collect();
        format!("curve-{digest}.json")
    }
}

/// A file's content.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    points: Vec<Point>,
}

/// A folder of curves. That it cannot be used costs time at the next start and nothing else.
pub(super) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The curves of a folder, or of the user's cache folder.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder: folder.or_else(users_folder) }
    }

    /// The curve, where it is there and whole.
    pub(super) fn read(&self, key: &Key) -> Option<Vec<Point>> {
        let path = self.folder.as_ref()?.join(key.file_name());
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!("tuning: `{}` cannot be read: {error}", path.display());
                return None;
            }
        };
        let entry = serde_json::from_slice::<Entry>(&text).ok();
        let points = entry.filter(|entry| entry.key == *key).map(|entry| entry.points);
        let sound = points.filter(|points| !points.is_empty() && points.iter().all(fits));
        if sound.is_none() {
            tracing::warn!("tuning: `{}` is damaged; measuring again", path.display());
        }
        sound
    }

    /// Keeps a curve; a warning where that is not possible.
    pub(super) fn write(&self, key: &Key, points: &[Point]) {
        let Some(folder) = &self.folder else {
            return tracing::warn!(
                "tuning: no folder to keep curves in; name one with --tune-cache"
            );
        };
        if let Err(error) = replace(folder, key, points) {
            let folder = folder.display();
            tracing::warn!(
                "tuning: `{folder}` cannot be written, the next start will measure again: {error}"
            );
        }
    }
}

/// Whether a point's values are possible.
fn fits(point: &Point) -> bool {
    let Point { instances, intra_op_threads, batch, images_per_second, run_ms } = *point;
    [instances, intra_op_threads, batch].iter().all(|count| (1..=MOST).contains(count))
        && [images_per_second, run_ms].iter().all(|value| value.is_finite() && *value > 0.0)
}

/// Writes the file under another name and renames it: whoever reads sees all of it or nothing.
fn replace(folder: &Path, key: &Key, points: &[Point]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (key, points) = (key.clone(), points.to_vec());
    let path = folder.join(key.file_name());
    let new = path.with_extension(format!("new-{}", process::id()));
    fs::write(&new, serde_json::to_vec_pretty(&Entry { key, points })?)?;
    fs::rename(&new, &path).inspect_err(|_| drop(fs::remove_file(&new)))
}

/// `$XDG_CACHE_HOME/mien`, else `~/.cache/mien`.
fn users_folder() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("mien"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inference::runtime::Device, tuning::space::Layout};

    fn key(model: &str) -> Key {
        let machine = Machine::this(Device::Cpu, 2, "1.0");
        Key::new(model, machine, Given::default())
    }

    fn point(batch: usize, images_per_second: f64) -> Point {
        let Layout { instances, intra_op_threads } = Layout { instances: 2, intra_op_threads: 1 };
        Point { instances, intra_op_threads, batch, images_per_second, run_ms: 1.0 }
    }

    #[test]
    fn what_is_written_is_read_for_the_same_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().join("deep/er")));
        assert_eq!(cache.read(&key("a")), None);
        let points = vec![point(1, 100.5), point(2, 101.25)];
        cache.write(&key("a"), &points);
        assert_eq!(cache.read(&key("a")), Some(points));
        assert_eq!(cache.read(&key("b")), None);
        let names = fs::read_dir(folder.path().join("deep/er")).unwrap();
        assert_eq!(names.count(), 1, "nothing half-written is left");
    }

    #[test]
    fn what_is_damaged_is_no_curve() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().to_owned()));
        let path = folder.path().join(key("a").file_name());
        for damage in ["", "{}", "\0", "[1]"] {
            fs::write(&path, damage).unwrap();
            assert_eq!(cache.read(&key("a")), None, "{damage}");
        }
        // Renamed by hand, impossible, empty.
        cache.write(&key("b"), &[point(1, 1.0)]);
        fs::rename(folder.path().join(key("b").file_name()), &path).unwrap();
        assert_eq!(cache.read(&key("a")), None);
        for points in [vec![point(0, 1.0)], vec![point(1, -1.0)], vec![]] {
            cache.write(&key("a"), &points);
            assert_eq!(cache.read(&key("a")), None);
        }
        cache.write(&key("a"), &[point(1, 1.0)]);
        assert!(cache.read(&key("a")).is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(Some(file.path().join("below")));
        cache.write(&key("a"), &[point(1, 1.0)]);
        assert_eq!(cache.read(&key("a")), None);
    }
}
