//! Draws boxes and labels on a frame.

use std::convert::Infallible;

use embedded_graphics::{
    mono_font::{MonoTextStyleBuilder, ascii::FONT_10X20},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{PrimitiveStyle, Rectangle},
    text::{Baseline, Text},
};
use image::{Rgb, RgbImage};
use mien_faces::image::BoundingBox;

/// Colours of the tracks in turn, from the palette of Okabe and Ito (2008), which people with colour blindness can tell apart.
const COLORS: [Rgb888; 6] = [
    Rgb888::new(240, 228, 66),
    Rgb888::new(86, 180, 233),
    Rgb888::new(230, 159, 0),
    Rgb888::new(0, 158, 115),
    Rgb888::new(204, 121, 167),
    Rgb888::new(213, 94, 0),
];

/// Height in pixels of a frame per pixel of the width of a line.
const LINE_SCALE: u32 = 240;

/// A frame as the target of drawing. Pixels outside of the frame are ignored.
pub(super) struct Canvas(pub(super) RgbImage);

impl Canvas {
    /// Draws the box of a face with a text above it, or inside of it at the upper edge of the frame.
    pub(super) fn draw_face(&mut self, face_box: &BoundingBox, track: u64, text: &str) {
        let color = COLORS[usize::try_from(track).unwrap_or_default() % COLORS.len()];
        let stroke = (self.0.height() / LINE_SCALE).max(1) + 1;
        let position = Point::new(face_box.x as i32, face_box.y as i32);
        let size = Size::new(face_box.width as u32, face_box.height as u32);
        let rectangle = Rectangle::new(position, size);
        let style = PrimitiveStyle::with_stroke(color, stroke);
        let Ok(()) = rectangle.into_styled(style).draw(self);

        let font = MonoTextStyleBuilder::new()
            .font(&FONT_10X20)
            .text_color(Rgb888::BLACK)
            .background_color(color)
            .build();
        let height = FONT_10X20.character_size.height as i32;
        let above = Point::new(position.x.max(0), position.y - height);
        let inside = Point::new(above.x, position.y.max(0));
        let place = if above.y >= 0 { above } else { inside };
        let Ok(_) = Text::with_baseline(text, place, font, Baseline::Top).draw(self);
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Self::Color>>,
    {
        for Pixel(Point { x, y }, color) in pixels {
            let place = u32::try_from(x).ok().zip(u32::try_from(y).ok());
            let pixel = place.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y));
            if let Some(pixel) = pixel {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: Rgb<u8> = Rgb([90; 3]);

    fn drawn(x: f32, y: f32) -> RgbImage {
        let mut canvas = Canvas(RgbImage::from_pixel(200, 120, GRAY));
        let face_box = BoundingBox {
            x,
            y,
            width: 60.0,
            height: 50.0,
        };
        canvas.draw_face(&face_box, 1, "happy");
        canvas.0
    }

    #[test]
    fn box_and_text_are_drawn_in_color_of_track() {
        let frame = drawn(80.0, 50.0);
        let color = Rgb([86, 180, 233]);
        assert_eq!(*frame.get_pixel(80, 75), color, "left edge");
        assert_eq!(*frame.get_pixel(110, 75), GRAY, "inside of the box");
        // The text has five characters of 10 x 20 pixels above the box.
        let of_text = frame
            .enumerate_pixels()
            .filter(|(x, y, _)| (80..130).contains(x) && (30..48).contains(y));
        let levels: Vec<_> = of_text.map(|(_, _, pixel)| *pixel).collect();
        assert!(levels.contains(&color) && levels.contains(&Rgb([0; 3])));
        assert!(!levels.contains(&GRAY));
    }

    #[test]
    fn box_beyond_frame_is_clipped() {
        for (x, y) in [(-30.0, -20.0), (190.0, 110.0), (1e9, 1e9), (-1e9, -1e9)] {
            assert_eq!(drawn(x, y).dimensions(), (200, 120));
        }
    }
}
