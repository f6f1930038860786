//! The training faces in memory, decoded once.

use std::{collections::HashSet, path::PathBuf, thread};

use mien_faces::{
    dataset::{Dataset, DatasetError, Sample, Split},
    expression::Expression,
    image::{DecodedImage, Face},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Share of unreadable images above which a run does not start.
const MAX_UNREADABLE: f64 = 0.01;

/// The faces of a split cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The path is not a data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// More than 1 % of the images cannot be read.
    #[error(
        "{unreadable} of {total} images in {path} cannot be read, but at most 1 % is allowed; the first error: {first}"
    )]
    TooManyUnreadable {
        /// The data set.
        path: PathBuf,
        /// Number of unreadable images.
        unreadable: usize,
        /// Number of images.
        total: usize,
        /// First error.
        first: String,
    },
}

/// Labelled faces of one size.
#[derive(Debug, Clone)]
pub struct FaceSet {
    /// Height and width of every face, px.
    pub side: usize,
    /// The faces.
    pub faces: Vec<Face>,
    /// The label of each face.
    pub labels: Vec<Expression>,
    /// Errors of skipped images, each with its file name.
    pub unreadable: Vec<String>,
}

impl FaceSet {
    /// Decodes every image of a split to faces of `side` px, on all cores.
    ///
    /// # Errors
    /// Returns an error if the split is empty, or more than 1 % of its images cannot be read.
    pub fn load(
        dataset: &Dataset,
        path: &std::path::Path,
        split: Split,
        side: usize,
    ) -> Result<Self, DataError> {
        let samples = dataset.required(split)?;
        let mut set = Self::decode(samples, side);
        let total = samples.len();
        if set.unreadable.len() as f64 > MAX_UNREADABLE * total as f64 {
            let (unreadable, first) = (set.unreadable.len(), set.unreadable.swap_remove(0));
            return Err(DataError::TooManyUnreadable {
                path: path.to_owned(),
                unreadable,
                total,
                first,
            });
        }
        Ok(set)
    }

    /// Returns an empty set for faces of `side` px.
    pub fn empty(side: usize) -> Self {
        Self {
            side,
            faces: Vec::new(),
            labels: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn decode(samples: &[Sample], side: usize) -> Self {
        let cores = mien_host::cpu::available_cores();
        let share = samples.len().div_ceil(cores).max(1);
        let read = |part: &[Sample]| {
            part.iter()
                .map(|s| (s.expression, s.load(side)))
                .collect::<Vec<_>>()
        };
        let parts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = samples
                .chunks(share)
                .map(|part| scope.spawn(move || read(part)))
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().expect("decoding returns its errors"))
                .collect()
        });
        let mut set = Self::empty(side);
        for (expression, face) in parts.into_iter().flatten() {
            match face {
                Ok(face) => {
                    set.faces.push(face);
                    set.labels.push(expression);
                }
                Err(error) => set.unreadable.push(error.to_string()),
            }
        }
        set
    }

    /// Returns the number of faces.
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// Resizes the faces with the filter that the server uses.
    pub fn resized(&self, side: usize) -> Self {
        let resize = |face: &Face| {
            let image = DecodedImage::new(face.side(), face.side(), face.pixels().to_vec());
            image.expect("a face is a square of pixels").to_face(side)
        };
        let faces = self.faces.iter().map(resize).collect();
        Self {
            side,
            faces,
            labels: self.labels.clone(),
            unreadable: Vec::new(),
        }
    }

    /// Splits off a share of every class and returns `(rest, held out)`. The split is deterministic for a seed.
    ///
    /// FER2013 contains many faces twice. Held-out faces with an exact copy in the rest are dropped, because the network
    /// could have memorised them.
    pub fn hold_out(self, share: f64, seed: u64) -> (Self, Self) {
        let (mut rest, mut held) = (Self::empty(self.side), Self::empty(self.side));
        let mut taken = vec![false; self.len()];
        let mut rng = StdRng::seed_from_u64(seed);
        for expression in Expression::ALL {
            let mut members: Vec<usize> = (0..self.len())
                .filter(|&i| self.labels[i] == expression)
                .collect();
            members.shuffle(&mut rng);
            let count = (members.len() as f64 * share).round() as usize;
            members
                .into_iter()
                .take(count)
                .for_each(|i| taken[i] = true);
        }
        for ((face, label), taken) in self.faces.into_iter().zip(self.labels).zip(taken) {
            let part = if taken { &mut held } else { &mut rest };
            part.faces.push(face);
            part.labels.push(label);
        }
        rest.unreadable = self.unreadable;
        let learnt: HashSet<&Face> = rest.faces.iter().collect();
        let (faces, labels) = held
            .faces
            .into_iter()
            .zip(held.labels)
            .filter(|(face, _)| !learnt.contains(face))
            .unzip();
        let held = Self {
            faces,
            labels,
            ..Self::empty(self.side)
        };
        (rest, held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a 2x2 face that encodes its number.
    fn numbered(i: u16) -> Face {
        Face::new(2, [i.to_le_bytes(), [0; 2]].concat()).unwrap()
    }

    #[test]
    fn held_out_faces_have_no_copy_in_rest() {
        // Every face occurs four times, so that many copies are separated.
        let faces: Vec<Face> = (0..400).map(|i| numbered(i / 4)).collect();
        let set = FaceSet {
            side: 2,
            faces,
            labels: vec![Expression::Sad; 400],
            unreadable: Vec::new(),
        };
        let mut labels = vec![Expression::Sad; 400];
        labels
            .iter_mut()
            .step_by(4)
            .for_each(|label| *label = Expression::Fear);
        let (rest, held) = FaceSet { labels, ..set }.hold_out(0.5, 7);
        assert_eq!(rest.len(), 200);
        assert_eq!(rest.labels.len(), 200);
        assert!(
            !held.is_empty() && held.len() < 200,
            "{} held out",
            held.len()
        );
        assert_eq!(held.labels.len(), held.len());
        assert!(held.faces.iter().all(|face| !rest.faces.contains(face)));
    }

    #[test]
    fn holdout_is_stratified_and_deterministic() {
        let labels: Vec<Expression> = (0..700)
            .map(|i| Expression::ALL[if i < 70 { 1 } else { i % 7 }])
            .collect();
        let faces = (0..700).map(numbered).collect();
        let set = FaceSet {
            side: 2,
            faces,
            labels,
            unreadable: Vec::new(),
        };
        let (rest, held) = set.clone().hold_out(0.1, 7);
        assert_eq!(rest.len() + held.len(), 700);
        for expression in Expression::ALL {
            let of = |s: &FaceSet| s.labels.iter().filter(|&&l| l == expression).count();
            let total = of(&set);
            assert_eq!(
                of(&held),
                (total as f64 * 0.1).round() as usize,
                "{expression}"
            );
        }
        assert_eq!(set.hold_out(0.1, 7).1.faces, held.faces);
    }
}
