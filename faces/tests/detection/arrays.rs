//! Outputs of the network for tests.

use mien_faces::detection::{
    Detection, DetectionOptions, DetectorFrame, OutputError, STRIDES, StrideOutputs, decode,
};

/// The four arrays of one stride.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    columns: usize,
    pub(crate) cls: Vec<f32>,
    pub(crate) obj: Vec<f32>,
    pub(crate) bbox: Vec<f32>,
    pub(crate) kps: Vec<f32>,
}

/// The outputs for one image. Without changes they contain no face.
#[derive(Debug, Clone)]
pub(crate) struct Arrays {
    frame: DetectorFrame,
    pub(crate) grids: [Grid; 3],
}

impl Arrays {
    pub(crate) fn new(frame: DetectorFrame) -> Self {
        let grids = STRIDES.map(|stride| {
            let columns = frame.width() / stride;
            let cells = columns * (frame.height() / stride);
            Grid {
                columns,
                cls: vec![0.0; cells],
                obj: vec![0.0; cells],
                bbox: vec![0.0; 4 * cells],
                kps: vec![0.0; 10 * cells],
            }
        });
        Self { frame, grids }
    }

    /// Writes a face with this score into the cell of the grid. The box has the four outputs `bbox`, and the landmark `i` is `i` strides
    /// right of and `2 * i` strides below the cell.
    pub(crate) fn put(
        &mut self,
        stride: usize,
        (column, row): (usize, usize),
        score: f32,
        bbox: [f32; 4],
    ) -> &mut Self {
        let index = STRIDES.iter().position(|other| *other == stride).unwrap();
        let grid = &mut self.grids[index];
        let cell = row * grid.columns + column;
        (grid.cls[cell], grid.obj[cell]) = (score, score);
        grid.bbox[4 * cell..][..4].copy_from_slice(&bbox);
        for (point, place) in (0_u8..).zip(grid.kps[10 * cell..][..10].chunks_exact_mut(2)) {
            place.copy_from_slice(&[f32::from(point), f32::from(2 * point)]);
        }
        self
    }

    pub(crate) fn decode(&self, options: &DetectionOptions) -> Result<Vec<Detection>, OutputError> {
        let outputs = self.grids.each_ref().map(|grid| StrideOutputs {
            cls: &grid.cls,
            obj: &grid.obj,
            bbox: &grid.bbox,
            kps: &grid.kps,
        });
        decode(&outputs, &self.frame, options)
    }

    /// Returns the faces that the default options find.
    pub(crate) fn faces(&self) -> Vec<Detection> {
        self.decode(&DetectionOptions::default()).unwrap()
    }
}
