//! One axis of a square in a photo.

use std::ops::Range;

/// Number of cells, or of pixels of the photo if they are larger, that the filter reads beyond a cell.
const REACH: f64 = 3.0;
/// Minimum number of pixels of the face that overlap the photo. It bounds the margin of the copy of the covered part.
const MIN_CELLS: f64 = 4.0;
/// Distance in pixels of the photo up to which an edge of the square is moved to the edge of the photo. Without it, rounding of the
/// box would pad squares that end at the edge.
const TOLERANCE: f64 = 0.01;

/// The columns or the rows of a square, in pixels of the photo. A cell is the square that one pixel of the face shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    /// Whether the photo covers the square on this axis.
    pub(super) is_inside: bool,
    /// Pixels of the face whose cells overlap the photo.
    pub(super) cells: Range<usize>,
    /// Start of the first of these cells.
    pub(super) start: f64,
    /// End of the last of these cells.
    pub(super) end: f64,
    /// Pixels of the photo of which the square overlaps about half or more, at least one pixel.
    pub(super) covered: Range<usize>,
    /// Pixels that the filter reads for these cells.
    pub(super) canvas: Range<i64>,
}

impl Span {
    /// Places a square with this start and length on a photo of `photo` columns or rows; the face has `side` pixels. Returns `None` if
    /// less than four cells overlap the photo and the square extends beyond the photo.
    ///
    /// `length` must be at least 1 and finite.
    pub(super) fn new(start: f64, length: f64, photo: usize, side: usize) -> Option<Self> {
        let photo = photo as f64;
        let end = snapped(start + length, photo);
        let start = snapped(start, 0.0);
        let cell = (end - start) / side as f64;
        let (covered_start, covered_end) = (start.max(0.0), end.min(photo));
        let is_inside = start >= 0.0 && end <= photo;
        if !is_inside && covered_end - covered_start < MIN_CELLS * cell {
            return None;
        }
        let first = ((covered_start - start) / cell).floor();
        let last = ((covered_end - start) / cell).ceil().min(side as f64);
        let visible = start + first * cell..start + last * cell;
        let reach = (REACH * cell.max(1.0)).ceil();
        let outermost = covered_start.round().min(photo - 1.0);
        Some(Self {
            is_inside,
            cells: first as usize..last as usize,
            start: visible.start,
            end: visible.end,
            covered: outermost as usize..covered_end.round().max(outermost + 1.0) as usize,
            canvas: canvas_start(visible.start, reach)..canvas_end(visible.end, reach, photo),
        })
    }
}

/// Returns the first pixel that the filter reads. The canvas contains the photo as far as the filter reaches, but no more padding than
/// the cells overlap.
fn canvas_start(start: f64, reach: f64) -> i64 {
    let padded = start.min(0.0);
    (start - reach).max(padded).floor() as i64
}

/// Returns the end of the pixels that the filter reads.
fn canvas_end(end: f64, reach: f64, photo: f64) -> i64 {
    let padded = end.max(photo);
    (end + reach).min(padded).ceil() as i64
}

fn snapped(position: f64, edge: f64) -> f64 {
    if (position - edge).abs() < TOLERANCE {
        edge
    } else {
        position
    }
}

/// Returns the number of pixels in a range.
pub(super) fn length(range: &Range<i64>) -> usize {
    to_usize(range.end - range.start)
}

/// Converts a position, which is not negative.
pub(super) fn to_usize(position: i64) -> usize {
    usize::try_from(position).expect("the covered part of the photo is not empty")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn square_within_photo_has_all_cells() {
        let span = Span::new(10.5, 48.0, 100, 24).unwrap();
        assert!(span.is_inside);
        assert_eq!(span.cells, 0..24);
        assert_eq!((span.start, span.end), (10.5, 58.5));
        assert_eq!(span.covered, 11..59);
        assert_eq!(span.canvas, 4..65);
    }

    #[test]
    fn square_beyond_start_begins_with_first_overlapping_cell() {
        // Cells have 4 pixels. The cell at -2..2 is the first that overlaps the photo.
        let span = Span::new(-10.0, 40.0, 100, 10).unwrap();
        assert!(!span.is_inside);
        assert_eq!(span.cells, 2..10);
        assert_eq!((span.start, span.end), (-2.0, 30.0));
        assert_eq!(span.covered, 0..30);
        assert_eq!(span.canvas, -2..42);
    }

    #[test]
    fn rounded_square_at_edge_is_inside() {
        assert!(Span::new(-1e-5, 100.000_02, 100, 48).unwrap().is_inside);
        assert!(!Span::new(-0.5, 100.0, 100, 48).unwrap().is_inside);
    }

    #[test]
    fn square_that_hardly_overlaps_photo_has_no_span() {
        assert_eq!(Span::new(99.0, 100.0, 100, 48), None);
        assert_eq!(Span::new(-500.0, 100.0, 100, 48), None);
        assert_eq!(Span::new(500.0, 100.0, 100, 48), None);
        assert_eq!(Span::new(0.0, 1e9, 100, 48), None);
    }

    proptest! {
        #[test]
        fn canvas_is_bounded_by_covered_part(
            (start, length) in (-5000.0..5000.0, 1.0..20_000.0),
            photo in 1_usize..2000,
            side in 1_usize..300,
        ) {
            if let Some(span) = Span::new(start, length, photo, side) {
                let covered = span.covered.len() as f64;
                prop_assert!(super::length(&span.canvas) as f64 <= 2.0 * covered + 8.0 || span.is_inside);
                prop_assert!(!span.cells.is_empty() && span.cells.end <= side);
                prop_assert!(span.canvas.start as f64 <= span.start);
                prop_assert!(span.end <= span.canvas.end as f64 + 1e-9);
            }
        }
    }
}
