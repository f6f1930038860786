//! The outputs of the network.

use super::DetectorFrame;

/// The distances in pixels of the detector's input between neighbouring cells of the three grids of outputs.
pub const STRIDES: [usize; 3] = [8, 16, 32];

/// Numbers per cell of a box.
const BOX: usize = 4;
/// Numbers per cell of the landmarks.
const KEY_POINTS: usize = 10;

/// The outputs of YuNet for one image and one stride. The arrays contain the cells row by row; the model file names them `cls_8`,
/// `obj_8`, `bbox_8` and `kps_8` for the stride 8.
#[derive(Debug, Clone, Copy)]
pub struct StrideOutputs<'a> {
    /// Probability that the cell is a face, shape `[cells]`.
    pub cls: &'a [f32],
    /// Objectness, shape `[cells]`.
    pub obj: &'a [f32],
    /// Offset of the centre and logarithm of the size, in strides, shape `[cells, 4]`.
    pub bbox: &'a [f32],
    /// Offsets of five landmarks in strides, shape `[cells, 10]`.
    pub kps: &'a [f32],
}

/// The outputs for one cell.
pub(super) struct Cell<'a> {
    /// Index of the cell, row by row.
    index: usize,
    /// Columns of the grid.
    columns: usize,
    /// Stride of the grid.
    pub(super) stride: usize,
    pub(super) cls: f32,
    pub(super) obj: f32,
    pub(super) bbox: &'a [f32; BOX],
    pub(super) kps: &'a [f32; KEY_POINTS],
}

impl Cell<'_> {
    /// Returns the column and the row. They are not stored, because the two divisions take longer than the check of a score, which most
    /// cells fail.
    pub(super) fn position(&self) -> (usize, usize) {
        (self.index % self.columns, self.index / self.columns)
    }
}

impl<'a> StrideOutputs<'a> {
    /// Finds the arrays of each stride, in the order of [`STRIDES`], by the names in the model file.
    ///
    /// # Errors
    /// Returns an error if `array` returns `None`, because the file does not have the output or it is not a float32 tensor.
    pub fn by_name(
        array: impl Fn(&str) -> Option<&'a [f32]>,
    ) -> Result<[Self; STRIDES.len()], MissingOutput> {
        let find = |kind: &str, stride: usize| {
            let name = format!("{kind}_{stride}");
            array(&name).ok_or(MissingOutput { name })
        };
        let of = |stride: usize| {
            Ok(Self {
                cls: find("cls", stride)?,
                obj: find("obj", stride)?,
                bbox: find("bbox", stride)?,
                kps: find("kps", stride)?,
            })
        };
        let [small, medium, large] = STRIDES;
        Ok([of(small)?, of(medium)?, of(large)?])
    }

    /// Returns the cells of the grid row by row.
    ///
    /// # Errors
    /// Returns an error if the length of an array does not match the detector's input.
    pub(super) fn cells(
        self,
        frame: &DetectorFrame,
        stride: usize,
    ) -> Result<impl Iterator<Item = Cell<'a>>, OutputError> {
        let columns = frame.width() / stride;
        let cells = columns * (frame.height() / stride);
        for (output, actual, per_cell) in [
            ("cls", self.cls.len(), 1),
            ("obj", self.obj.len(), 1),
            ("bbox", self.bbox.len(), BOX),
            ("kps", self.kps.len(), KEY_POINTS),
        ] {
            let expected = cells * per_cell;
            if actual != expected {
                let (width, height) = (frame.width(), frame.height());
                return Err(OutputError {
                    output,
                    stride,
                    actual,
                    expected,
                    width,
                    height,
                });
            }
        }
        let (boxes, _) = self.bbox.as_chunks();
        let (points, _) = self.kps.as_chunks();
        let scores = self.cls.iter().zip(self.obj);
        let arrays = scores.zip(boxes).zip(points).enumerate();
        Ok(arrays.map(move |(index, (((cls, obj), bbox), kps))| Cell {
            index,
            columns,
            stride,
            cls: *cls,
            obj: *obj,
            bbox,
            kps,
        }))
    }
}

/// The model file does not have an output of the detector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the detector has no float32 output `{name}`; use the YuNet file that `cargo xtask setup` installs"
)]
pub struct MissingOutput {
    /// Name of the output.
    pub name: String,
}

/// An output of the detector does not have the length that its input requires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the detector's output {output}_{stride} has {actual} values instead of {expected} for an input of {width}x{height} pixels; use the YuNet file that `cargo xtask setup` installs"
)]
pub struct OutputError {
    /// Name without the stride.
    pub output: &'static str,
    /// Stride of the grid.
    pub stride: usize,
    /// Number of values in the output.
    pub actual: usize,
    /// Number of values that the input requires.
    pub expected: usize,
    /// Columns of the input.
    pub width: usize,
    /// Rows of the input.
    pub height: usize,
}
