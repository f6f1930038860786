//! The samples of all components, at full or reduced size.

use super::{frame::Frame, idct};

/// Images are decoded at full size up to this number of pixels, otherwise at a half, a quarter or an eighth per side. Faces have
/// far fewer pixels, and reduced decoding takes less memory and time.
const MAX_FULL_SIZE: usize = 16_000_000;

/// The samples of one component.
pub(super) struct Plane {
    pub(super) samples: Vec<u8>,
    /// Distance between rows.
    pub(super) stride: usize,
    /// Columns that the image uses.
    pub(super) width: usize,
    /// Rows that the image uses.
    pub(super) height: usize,
    /// Columns and rows of samples per block: 1, 2, 4 or 8.
    pub(super) block: usize,
    /// Columns of the image per column of the plane.
    pub(super) columns_per_sample: usize,
    /// Rows of the image per row of the plane.
    pub(super) rows_per_sample: usize,
}

impl Plane {
    /// Transforms a block and stores its samples.
    pub(super) fn store(
        &mut self,
        (column, row): (usize, usize),
        coefficients: &[i16; 64],
        quantization: &[u16; 64],
    ) {
        let start = self.block * (row * self.stride + column);
        idct::transform(
            coefficients,
            quantization,
            self.block,
            &mut self.samples,
            start,
            self.stride,
        );
    }
}

/// The size of a plane before memory is allocated for it.
struct Layout {
    stride: usize,
    rows: usize,
    block: usize,
}

/// Returns columns and rows of samples per block of the component with the maximum sampling factors.
pub(super) fn block_size(frame: &Frame) -> usize {
    let pixels = frame.width * frame.height;
    [8, 4, 2]
        .into_iter()
        .find(|size| pixels * size * size / 64 <= MAX_FULL_SIZE)
        .unwrap_or(1)
}

/// Returns columns and rows of the decoded image.
pub(super) fn output_size(frame: &Frame) -> (usize, usize) {
    let block = block_size(frame);
    (
        (frame.width * block).div_ceil(8),
        (frame.height * block).div_ceil(8),
    )
}

/// Subsampled components are reduced less, so that they need less upsampling (libjpeg does this too).
fn layouts(frame: &Frame) -> impl Iterator<Item = Layout> {
    let smallest = block_size(frame);
    frame.components.iter().map(move |component| {
        let mut block = smallest;
        while block < 8
            && (frame.max_h * smallest).is_multiple_of(component.h * block * 2)
            && (frame.max_v * smallest).is_multiple_of(component.v * block * 2)
        {
            block *= 2;
        }
        let (columns, rows) = frame.stored_blocks(component);
        Layout {
            stride: columns * block,
            rows: rows * block,
            block,
        }
    })
}

/// Returns the bytes that [`allocate`] allocates.
pub(super) fn memory(frame: &Frame) -> usize {
    layouts(frame).map(|plane| plane.stride * plane.rows).sum()
}

/// Allocates the planes of a frame.
pub(super) fn allocate(frame: &Frame) -> Vec<Plane> {
    let smallest = block_size(frame);
    let planes = frame.components.iter().zip(layouts(frame));
    planes
        .map(|(component, layout)| Plane {
            samples: vec![0; layout.stride * layout.rows],
            stride: layout.stride,
            width: (frame.width * component.h * layout.block).div_ceil(8 * frame.max_h),
            height: (frame.height * component.v * layout.block).div_ceil(8 * frame.max_v),
            block: layout.block,
            columns_per_sample: frame.max_h * smallest / (component.h * layout.block),
            rows_per_sample: frame.max_v * smallest / (component.v * layout.block),
        })
        .collect()
}
