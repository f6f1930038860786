//! Drawing area with the project's font and colours, saved as PNG.

use std::{io::Cursor, path::Path, sync::Once};

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{ImageFormat, RgbImage};
use mien_host::atomic_file;
use plotters::{
    backend::BitMapBackend,
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea},
    style::{
        Color, FontStyle, IntoFont, RGBColor, TextStyle, WHITE, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::PlotError;

/// Drawn pixels per pixel of the image along each axis, for smooth edges of lines and letters.
const OVERSAMPLING: u32 = 2;

/// Titles and numbers.
pub(super) const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
/// Axes and captions.
pub(super) const MUTED: RGBColor = RGBColor(0x5b, 0x66, 0x72);
/// Boundaries between phases of a run.
pub(super) const BOUNDARY: RGBColor = RGBColor(0xa9, 0xb3, 0xbd);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xe3, 0xe7, 0xeb);

/// Colours that are distinguishable with any kind of colour vision (Okabe and Ito 2008), in order of use.
pub(super) const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x00, 0x00, 0x00),
];

/// Each weight is a separate family, because the library uses the regular font of a family for bold text.
const FONT: &str = "Inter";
const BOLD_FONT: &str = "Inter SemiBold";
static REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular.ttf");
static SEMI_BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.ttf");

/// A part of the canvas, in its own pixel coordinates.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Result of drawing. Errors are text, because the library's error type depends on its backend.
pub(super) type Drawn = Result<(), String>;

/// Converts a length in image pixels to drawn pixels.
pub(super) fn px(length: i32) -> i32 {
    length * OVERSAMPLING as i32
}

/// Returns a regular text style. `height` is in image pixels.
pub(super) fn text(height: i32, color: RGBColor, across: HPos, down: VPos) -> TextStyle<'static> {
    styled(FONT, height, color, Pos::new(across, down))
}

/// Returns a semi-bold text style. `height` is in image pixels.
pub(super) fn bold(height: i32, color: RGBColor, across: HPos, down: VPos) -> TextStyle<'static> {
    styled(BOLD_FONT, height, color, Pos::new(across, down))
}

fn styled(font: &'static str, height: i32, color: RGBColor, pos: Pos) -> TextStyle<'static> {
    TextStyle {
        font: (font, px(height)).into_font(),
        color: color.to_backend_color(),
        pos,
    }
}

/// Draws on a canvas of `width * height` px and saves it. The file is replaced atomically.
pub(super) fn save(
    path: &Path,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area) -> Drawn,
) -> Result<(), PlotError> {
    let failed = |detail: String| PlotError::Draw {
        path: path.to_owned(),
        detail,
    };
    load_fonts();
    let (wide, high) = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut pixels = vec![0; (wide * high * 3) as usize];
    {
        let sheet = BitMapBackend::with_buffer(&mut pixels, (wide, high)).into_drawing_area();
        sheet.fill(&WHITE).map_err(|e| failed(e.to_string()))?;
        draw(&sheet).map_err(failed)?;
        sheet.present().map_err(|e| failed(e.to_string()))?;
    }
    let image = reduced(&pixels, (wide, high), (width, height));
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|e| failed(e.to_string()))?;
    atomic_file::write(path, png.get_ref()).map_err(|source| PlotError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Returns the drawing at the size of the image; each pixel is the mean of the drawn pixels.
fn reduced(drawn: &[u8], (wide, high): (u32, u32), (width, height): (u32, u32)) -> RgbImage {
    const SIZES: &str = "the buffers have the sizes of the canvas and of the image";
    let drawn = ImageRef::new(wide, high, drawn, PixelType::U8x3).expect(SIZES);
    let mut image = Image::new(width, height, PixelType::U8x3);
    let mean = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
    Resizer::new()
        .resize(&drawn, &mut image, &mean)
        .expect("both images have the same pixel type");
    RgbImage::from_raw(width, height, image.into_vec()).expect(SIZES)
}

/// Registers the bundled fonts, so that plots are identical on all systems.
fn load_fonts() {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        for (name, bytes) in [(FONT, REGULAR), (BOLD_FONT, SEMI_BOLD)] {
            let loaded = register_font(name, FontStyle::Normal, bytes);
            assert!(loaded.is_ok(), "the bundled font is valid");
        }
    });
}
