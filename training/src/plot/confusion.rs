//! Confusion matrix as a heat map. The colour is the share of a label's faces.

use std::path::Path;

use mien_faces::{expression::Expression, report::Confusion};
use plotters::{
    element::{Rectangle, Text},
    style::{
        Color, FontTransform, RGBColor, WHITE,
        text_anchor::{HPos, VPos},
    },
};

use super::{
    PlotError,
    canvas::{self, Area, Drawn, INK, MUTED, bold, px, text},
};

/// Corner of the first cell and size of each cell, px.
const LEFT: i32 = 190;
const TOP: i32 = 140;
const CELL: i32 = 104;
const SIZE: (u32, u32) = (1040, 920);

/// Colours of shares from 0 to 1: one hue from light to dark (ColorBrewer's Blues, Harrower and Brewer 2003), which is
/// readable without colour vision.
const SHADES: [RGBColor; 5] = [
    RGBColor(0xf7, 0xfb, 0xff),
    RGBColor(0xc6, 0xdb, 0xef),
    RGBColor(0x6b, 0xae, 0xd6),
    RGBColor(0x21, 0x71, 0xb5),
    RGBColor(0x08, 0x30, 0x6b),
];

/// Draws a confusion matrix to a PNG file.
pub(super) fn save(
    network: &str,
    faces: &str,
    found: &Confusion,
    path: &Path,
) -> Result<(), PlotError> {
    canvas::save(path, SIZE, |sheet| {
        let title = format!("{network}: {} {faces}", thousands(found.total()));
        let at = |x, y| (px(x), px(y));
        write(
            sheet,
            &title,
            at(36, 24),
            bold(26, INK, HPos::Left, VPos::Top),
        )?;
        let caption = "count, and share of the label's faces";
        write(
            sheet,
            caption,
            at(36, 58),
            text(16, MUTED, HPos::Left, VPos::Top),
        )?;
        axes(sheet, found)?;
        for label in Expression::ALL {
            for prediction in Expression::ALL {
                cell(sheet, found, label, prediction)?;
            }
        }
        scale(sheet)
    })
}

fn axes(sheet: &Area, found: &Confusion) -> Drawn {
    let middle = CELL * Expression::COUNT as i32 / 2;
    let style = bold(17, MUTED, HPos::Center, VPos::Center);
    write(
        sheet,
        "prediction",
        (px(LEFT + middle), px(TOP - 48)),
        style.clone(),
    )?;
    let turned = style.transform(FontTransform::Rotate270);
    write(sheet, "label", (px(40), px(TOP + middle)), turned)?;
    for class in Expression::ALL {
        let centre = CELL * class.index() as i32 + CELL / 2;
        let above = text(17, INK, HPos::Center, VPos::Center);
        write(
            sheet,
            class.label(),
            (px(LEFT + centre), px(TOP - 18)),
            above,
        )?;
        let left = text(17, INK, HPos::Right, VPos::Center);
        write(
            sheet,
            class.label(),
            (px(LEFT - 14), px(TOP + centre - 11)),
            left,
        )?;
        let support: u64 = Expression::ALL
            .into_iter()
            .map(|other| found.count(class, other))
            .sum();
        let below = text(14, MUTED, HPos::Right, VPos::Center);
        write(
            sheet,
            &thousands(support),
            (px(LEFT - 14), px(TOP + centre + 12)),
            below,
        )?;
    }
    Ok(())
}

fn cell(sheet: &Area, found: &Confusion, label: Expression, prediction: Expression) -> Drawn {
    let support: u64 = Expression::ALL
        .into_iter()
        .map(|other| found.count(label, other))
        .sum();
    let count = found.count(label, prediction);
    let share = if support == 0 {
        0.0
    } else {
        count as f64 / support as f64
    };
    let (x, y) = (
        LEFT + CELL * prediction.index() as i32,
        TOP + CELL * label.index() as i32,
    );
    let corners = [(px(x + 1), px(y + 1)), (px(x + CELL - 1), px(y + CELL - 1))];
    sheet
        .draw(&Rectangle::new(corners, shade(share).filled()))
        .map_err(to_text)?;
    let ink = if share > 0.6 { WHITE } else { INK };
    let (across, down) = (x + CELL / 2, y + CELL / 2);
    let figure = bold(20, ink, HPos::Center, VPos::Center);
    write(
        sheet,
        &thousands(count),
        (px(across), px(down - 12)),
        figure,
    )?;
    let part = if support == 0 {
        "–".to_owned()
    } else {
        format!("{:.1} %", 100.0 * share)
    };
    write(
        sheet,
        &part,
        (px(across), px(down + 14)),
        text(15, ink, HPos::Center, VPos::Center),
    )
}

/// Draws the colour scale.
fn scale(sheet: &Area) -> Drawn {
    let (x, height) = (
        LEFT + CELL * Expression::COUNT as i32 + 32,
        CELL * Expression::COUNT as i32,
    );
    for row in 0..px(height) {
        let share = 1.0 - f64::from(row) / f64::from(px(height));
        let corners = [(px(x), px(TOP) + row), (px(x + 18), px(TOP) + row + 1)];
        sheet
            .draw(&Rectangle::new(corners, shade(share).filled()))
            .map_err(to_text)?;
    }
    for percent in [0, 25, 50, 75, 100] {
        let y = TOP + height - height * percent / 100;
        let style = text(14, MUTED, HPos::Left, VPos::Center);
        write(sheet, &format!("{percent} %"), (px(x + 26), px(y)), style)?;
    }
    Ok(())
}

fn shade(share: f64) -> RGBColor {
    let at = share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64;
    let below = (at as usize).min(SHADES.len() - 2);
    let (from, to, part) = (SHADES[below], SHADES[below + 1], at - below as f64);
    let blend = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(
        blend(from.0, to.0),
        blend(from.1, to.1),
        blend(from.2, to.2),
    )
}

/// Formats a number with digits in groups of three.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

fn write(
    sheet: &Area,
    words: &str,
    at: (i32, i32),
    style: plotters::style::TextStyle<'_>,
) -> Drawn {
    sheet
        .draw(&Text::new(words.to_owned(), at, style))
        .map_err(to_text)
}

fn to_text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
