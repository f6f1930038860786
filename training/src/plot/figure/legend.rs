//! Legends of charts.

use std::ops::Range;

use plotters::{
    element::{PathElement, Text},
    style::text_anchor::{HPos, VPos},
};

use super::{Line, Panel, WIDTH, stroke, to_text};
use crate::plot::canvas::{Area, INK, bold, px, text};

/// Height of a row of the legend.
pub(super) const ROW: i32 = 20;
/// Width of the line sample of a name in the legend and of the gap to the next name, px.
const SWATCH: i32 = 56;

/// Draws the names of the lines at the right, next to the panel's title and in further rows if necessary. Returns the number
/// of rows.
pub(super) fn draw(panel: &Panel, area: &Area) -> Result<i32, String> {
    let style = text(15, INK, HPos::Left, VPos::Center);
    let lines: Vec<&Line> = panel
        .lines
        .iter()
        .filter(|line| !line.points.is_empty())
        .collect();
    let width = |line: &&Line| area.estimate_text_size(&line.name, &style).map_err(to_text);
    let widths: Vec<i32> = lines
        .iter()
        .map(|line| Ok(width(line)?.0 as i32))
        .collect::<Result<_, String>>()?;
    let right = px(WIDTH as i32 - 28);
    let title = bold(18, INK, HPos::Left, VPos::Center);
    let (title, _) = area
        .estimate_text_size(&panel.title, &title)
        .map_err(to_text)?;
    let all = right - px(28);
    let rows = rows(&widths, px(SWATCH), (all - title as i32, all));
    for (row, names) in rows.iter().enumerate() {
        let y = px(22 + ROW * row as i32);
        let mut right = right;
        for index in names.clone().rev() {
            let (line, left) = (lines[index], right - widths[index]);
            area.draw(&Text::new(line.name.clone(), (left, y), style.clone()))
                .map_err(to_text)?;
            let swatch = vec![(left - px(34), y - px(2)), (left - px(8), y - px(2))];
            area.draw(&PathElement::new(swatch, stroke(line.color, 3)))
                .map_err(to_text)?;
            right = left - px(SWATCH);
        }
    }
    Ok(rows.len() as i32)
}

/// Splits names into rows, given the width of each name and an additional width `extra` per name. The first row has another
/// width than the other rows. Each row has at least one name.
fn rows(names: &[i32], extra: i32, (first, other): (i32, i32)) -> Vec<Range<usize>> {
    let (mut rows, mut start, mut available) = (Vec::new(), 0, first);
    for (index, name) in names.iter().enumerate() {
        if available < name + extra && index > start {
            rows.push(start..index);
            (start, available) = (index, other);
        }
        available -= name + extra;
    }
    rows.push(start..names.len());
    rows
}

#[cfg(test)]
mod tests {
    use super::rows;

    /// Returns the number of names per row.
    fn names_per_row(names: &[i32], widths: (i32, i32)) -> Vec<usize> {
        let rows = rows(names, 10, widths);
        let ends = rows.iter().map(|row| row.end).chain([names.len()]);
        assert!(
            rows.iter()
                .map(|row| row.start)
                .eq([0].into_iter().chain(ends).take(rows.len()))
        );
        rows.iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn names_that_do_not_fit_start_another_row() {
        assert_eq!(names_per_row(&[30, 30], (80, 100)), [2]);
        assert_eq!(names_per_row(&[30, 30, 30], (80, 100)), [2, 1]);
        assert_eq!(names_per_row(&[30; 5], (80, 80)), [2, 2, 1]);
        assert_eq!(
            names_per_row(&[500, 30], (80, 100)),
            [1, 1],
            "a long name has its own row"
        );
        assert_eq!(names_per_row(&[], (80, 100)), [0]);
    }
}
