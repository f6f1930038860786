//! Conversion of colour spaces to RGB or gray, equal to libjpeg, and for gray followed by `convert("L")` of Pillow.

use crate::image::pixel::Pixel;

use super::frame::Frame;

/// The meaning of the components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColorSpace {
    Gray,
    Rgb,
    YCbCr,
    Cmyk,
    /// CMYK with the first three components as YCbCr.
    Ycck,
}

/// Application segments that describe the colour space.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct ColorHints {
    /// Whether there is a JFIF segment.
    pub(super) jfif: bool,
    /// The transform of the Adobe segment.
    pub(super) adobe: Option<u8>,
}

impl ColorSpace {
    /// Returns the colour space of a frame by the rules of libjpeg (`default_decompress_parms`).
    pub(super) fn of(frame: &Frame, hints: ColorHints) -> Self {
        let identifiers: Vec<u8> = frame.components.iter().map(|c| c.identifier).collect();
        match (identifiers.as_slice(), hints.adobe) {
            ([_], _) => Self::Gray,
            ([_, _, _], _) if hints.jfif => Self::YCbCr,
            ([_, _, _], Some(0)) | (b"RGB", None) => Self::Rgb,
            ([_, _, _], _) => Self::YCbCr,
            (_, None | Some(0)) => Self::Cmyk,
            (_, Some(_)) => Self::Ycck,
        }
    }

    /// Converts a row of components.
    pub(super) fn convert<P: Pixel>(self, rows: &[Vec<u8>], pixels: &mut [P]) {
        match (self, rows) {
            (Self::Rgb, [r, g, b]) => {
                for (pixel, ((&r, &g), &b)) in pixels.iter_mut().zip(r.iter().zip(g).zip(b)) {
                    *pixel = P::from_rgb([r, g, b]);
                }
            }
            (Self::YCbCr, [y, cb, cr]) => {
                for (pixel, ((&y, &cb), &cr)) in pixels.iter_mut().zip(y.iter().zip(cb).zip(cr)) {
                    *pixel = P::from_rgb(rgb(y, cb, cr));
                }
            }
            (Self::Cmyk, [c, m, y, k]) => {
                for (x, pixel) in pixels.iter_mut().enumerate() {
                    *pixel = P::from_rgb(inverted_cmyk([c[x], m[x], y[x]], k[x]));
                }
            }
            (Self::Ycck, [y, cb, cr, k]) => {
                for (x, pixel) in pixels.iter_mut().enumerate() {
                    let inks = rgb(y[x], cb[x], cr[x]).map(|c| 255 - c);
                    *pixel = P::from_rgb(inverted_cmyk(inks, k[x]));
                }
            }
            (_, rows) => {
                for (pixel, &level) in pixels.iter_mut().zip(&rows[0]) {
                    *pixel = P::from_gray(level);
                }
            }
        }
    }
}

/// Converts a pixel by the JFIF specification with 16 fractional bits.
#[inline]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let half = 1 << 15;
    let r = y + ((91_881 * cr + half) >> 16);
    let g = y + ((-22_554 * cb - 46_802 * cr + half) >> 16);
    let b = y + ((116_130 * cb + half) >> 16);
    [r, g, b].map(|value| u8::try_from(value.clamp(0, 255)).expect("clamped to a byte"))
}

/// Converts a CMYK pixel to RGB. Pillow assumes that the values are inverted, as Adobe's programs write them.
#[inline]
fn inverted_cmyk(inks: [u8; 3], k: u8) -> [u8; 3] {
    let white = u32::from(k);
    inks.map(|ink| {
        let product = (255 - u32::from(ink)) * white + 128;
        let absorbed = ((product >> 8) + product) >> 8;
        u8::try_from(white - absorbed).expect("at most the white level is absorbed")
    })
}
