//! Line charts, one below the other, over the same epochs.

use std::path::Path;

use plotters::{
    backend::BitMapBackend,
    chart::{ChartBuilder, ChartContext},
    coord::{cartesian::Cartesian2d, types::RangedCoordf64},
    element::{Circle, PathElement, Text},
    series::LineSeries,
    style::{
        Color, RGBColor, ShapeStyle, WHITE,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    PlotError,
    canvas::{self, Area, BOUNDARY, Drawn, GRID, INK, MUTED, bold, px, text},
};

mod legend;

const WIDTH: u32 = 1200;
const HEADER: u32 = 84;
const PANEL: u32 = 310;
const FOOTER: u32 = 16;
/// Maximum number of points of a line that are also drawn as dots. With few epochs, dots show the individual epochs.
const MAX_DOTS: usize = 40;

/// Charts under a title.
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) panels: Vec<Panel>,
}

/// One chart.
pub(super) struct Panel {
    pub(super) title: String,
    /// Label of the vertical axis, with its unit.
    pub(super) axis: &'static str,
    pub(super) lines: Vec<Line>,
    /// First epoch and name of each phase of the run; empty for several runs.
    pub(super) phases: Vec<(usize, String)>,
}

/// One line: its name in the legend and one value per epoch.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) color: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
}

/// Draws a figure to a PNG file. Panels without points are omitted.
pub(super) fn save(figure: &Figure, path: &Path) -> Result<(), PlotError> {
    let has_points = |panel: &&Panel| panel.lines.iter().any(|line| !line.points.is_empty());
    let panels: Vec<&Panel> = figure.panels.iter().filter(has_points).collect();
    let height = HEADER + PANEL * panels.len() as u32 + FOOTER;
    canvas::save(path, (WIDTH, height), |sheet| {
        let (header, rest) = sheet.split_vertically(px(HEADER as i32));
        let title = bold(26, INK, HPos::Left, VPos::Top);
        header
            .draw(&Text::new(figure.title.clone(), (px(28), px(20)), title))
            .map_err(to_text)?;
        let subtitle = text(16, MUTED, HPos::Left, VPos::Top);
        header
            .draw(&Text::new(
                figure.subtitle.clone(),
                (px(28), px(54)),
                subtitle,
            ))
            .map_err(to_text)?;
        let (body, _) = rest.split_vertically(px((PANEL * panels.len() as u32) as i32));
        let last = epochs(&panels);
        for (panel, area) in panels.iter().zip(body.split_evenly((panels.len(), 1))) {
            draw(panel, &area, last)?;
        }
        Ok(())
    })
}

/// Returns the last epoch of all lines, at least 1.
fn epochs(panels: &[&Panel]) -> f64 {
    let points = panels
        .iter()
        .flat_map(|p| &p.lines)
        .flat_map(|line| &line.points);
    points.map(|point| point.0).fold(1.0, f64::max)
}

/// A chart with its axes.
type Chart<'a, 'b> =
    ChartContext<'a, BitMapBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn draw(panel: &Panel, area: &Area, last: f64) -> Drawn {
    let title = bold(18, INK, HPos::Left, VPos::Center);
    area.draw(&Text::new(panel.title.clone(), (px(28), px(22)), title))
        .map_err(to_text)?;
    let rows = legend::draw(panel, area)?;
    let (low, high) = range(panel);
    let mut chart = ChartBuilder::on(area)
        .margin_left(px(16))
        .margin_right(px(28))
        .margin_top(px(62 + legend::ROW * (rows - 1)))
        .margin_bottom(px(8))
        .x_label_area_size(px(48))
        .y_label_area_size(px(78))
        .build_cartesian_2d(0.5..last + 0.5, low..high)
        .map_err(to_text)?;
    draw_axes(&mut chart, panel.axis, high - low)?;
    for (start, name) in &panel.phases {
        draw_phase(&mut chart, area, (*start, name.as_str()), (low, high))?;
    }
    for line in &panel.lines {
        draw_line(&mut chart, line)?;
    }
    Ok(())
}

fn draw_axes(chart: &mut Chart<'_, '_>, label: &str, range: f64) -> Drawn {
    let style = text(15, MUTED, HPos::Center, VPos::Center);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(stroke(GRID, 1))
        .axis_style(stroke(MUTED, 1))
        .label_style(text(14, MUTED, HPos::Center, VPos::Center))
        .axis_desc_style(style)
        .x_desc("epoch")
        .y_desc(label)
        .x_labels(13)
        .y_labels(6)
        .x_label_formatter(&|x| {
            if x.fract() == 0.0 {
                format!("{x:.0}")
            } else {
                String::new()
            }
        })
        .y_label_formatter(&|y| tick(*y, range))
        .draw()
        .map_err(to_text)
}

/// Draws the boundary before a phase and the name of the phase above the chart, whose values are in the range `(low, high)`.
fn draw_phase(
    chart: &mut Chart<'_, '_>,
    area: &Area,
    (start, name): (usize, &str),
    (low, high): (f64, f64),
) -> Drawn {
    let x = start as f64 - 0.5;
    let (left, top) = chart.backend_coord(&(x, high));
    let (base_x, base_y) = area.get_base_pixel();
    let at = (left - base_x + px(5), top - base_y - px(10));
    if start > 1 {
        let line = PathElement::new(vec![(x, low), (x, high)], stroke(BOUNDARY, 1));
        chart.draw_series([line]).map_err(to_text)?;
    }
    let style = text(14, MUTED, HPos::Left, VPos::Center);
    area.draw(&Text::new(name.to_owned(), at, style))
        .map_err(to_text)
}

fn draw_line(chart: &mut Chart<'_, '_>, line: &Line) -> Drawn {
    let style = stroke(line.color, 3);
    chart
        .draw_series(LineSeries::new(line.points.iter().copied(), style))
        .map_err(to_text)?;
    if line.points.len() <= MAX_DOTS {
        let dot = |&point: &(f64, f64)| Circle::new(point, px(4), line.color.filled());
        chart
            .draw_series(line.points.iter().map(dot))
            .map_err(to_text)?;
    }
    Ok(())
}

/// Returns the range of the values with a margin.
fn range(panel: &Panel) -> (f64, f64) {
    let values = panel
        .lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.1);
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), y| {
        (low.min(y), high.max(y))
    });
    let margin = if high > low {
        0.06 * (high - low)
    } else {
        0.1 * high.abs().max(1e-3)
    };
    // The axis of non-negative values does not extend below 0.
    (
        if low >= 0.0 {
            (low - margin).max(0.0)
        } else {
            low - margin
        },
        high + margin,
    )
}

/// Formats a tick with the decimals that a sixth of the range needs.
fn tick(value: f64, range: f64) -> String {
    let decimals = (-(range / 6.0).log10()).ceil().clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

fn stroke(color: RGBColor, width: i32) -> ShapeStyle {
    color.stroke_width(px(width) as u32)
}

fn to_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
