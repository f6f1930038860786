//! gzip and deflate (zlib format, RFC 9110, section 8.4.1) for requests and responses. The middleware of actix is not used,
//! because decompressed bytes must be reserved in the memory limit before they are allocated.

use std::io::{self, Read, Write};

use actix_web::{
    HttpRequest,
    http::header::{AcceptEncoding, ContentEncoding, Encoding, Header},
    web::Bytes,
};
use flate2::{
    Compression,
    read::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};

use crate::http::error::{ApiError, Code};
use crate::intake::{
    IntakeError,
    body::content_codings,
    buffer::{BufferError, ReservedBuffer},
    memory_limit::Reservation,
};

/// Supported content codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Format {
    Gzip,
    Deflate,
}

impl Format {
    /// Returns the name in headers.
    pub(in crate::http) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// Returns the content coding of a request body.
    ///
    /// # Errors
    /// Returns 415 for an unsupported coding.
    pub(in crate::http) fn of_body(request: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let codings = content_codings(request);
        let codings: Vec<&str> = codings.iter().map(String::as_str).collect();
        match codings.as_slice() {
            [] => Ok(None),
            ["gzip" | "x-gzip"] => Ok(Some(Self::Gzip)),
            ["deflate"] => Ok(Some(Self::Deflate)),
            _ => {
                let detail = "unsupported Content-Encoding; use gzip, deflate or none";
                Err(ApiError::new(Code::UnsupportedMediaType, detail))
            }
        }
    }

    /// Returns the content coding that the client prefers for the response, or `None`.
    pub(in crate::http) fn accepted(request: &HttpRequest) -> Option<Self> {
        let known = [
            ContentEncoding::Identity,
            ContentEncoding::Gzip,
            ContentEncoding::Deflate,
        ];
        let known = known.map(Encoding::Known);
        let accepted = AcceptEncoding::parse(request)
            .ok()
            .filter(|accepted| !accepted.is_empty())?;
        match accepted.negotiate(known.iter())? {
            Encoding::Known(ContentEncoding::Gzip) => Some(Self::Gzip),
            Encoding::Known(ContentEncoding::Deflate) => Some(Self::Deflate),
            Encoding::Known(_) | Encoding::Unknown(_) => None,
        }
    }

    /// Decompresses a body up to `max` bytes.
    ///
    /// # Errors
    /// Returns 400 for an invalid body, 413 if it exceeds the limit, and 503 if the memory limit is exhausted. Memory is reserved
    /// before it is allocated, and no byte beyond the limit is decompressed.
    pub(in crate::http) fn decompress(
        self,
        compressed: &[u8],
        max: usize,
        reservation: &Reservation,
    ) -> Result<Bytes, ApiError> {
        match self {
            Self::Gzip => self.read(MultiGzDecoder::new(compressed), max, reservation),
            Self::Deflate => self.read(ZlibDecoder::new(compressed), max, reservation),
        }
    }

    fn read(
        self,
        decompressed: impl Read,
        max: usize,
        reservation: &Reservation,
    ) -> Result<Bytes, ApiError> {
        let mut body = ReservedBuffer::new(max, reservation.clone());
        let error = match body.append_all(decompressed) {
            Ok(()) => return Ok(body.into_bytes().into()),
            Err(error) => error,
        };
        Err(match error {
            BufferError::Exhausted => IntakeError::MemoryExhausted.into(),
            BufferError::TooLong { max } => IntakeError::too_large(max).into(),
            BufferError::Io(error) => {
                let name = self.name();
                ApiError::invalid_request(format!("the body is not valid {name}: {error}"))
            }
        })
    }

    /// Compresses a response.
    ///
    /// # Errors
    /// Returns an I/O error, which does not occur for memory.
    pub(in crate::http) fn compress(self, body: &[u8]) -> io::Result<Vec<u8>> {
        let level = Compression::fast();
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::StatusCode, test::TestRequest};

    use super::*;
    use crate::intake::memory_limit::BodyMemoryLimit;

    #[test]
    fn compressed_body_decompresses_up_to_limit() {
        for format in [Format::Gzip, Format::Deflate] {
            let compressed = format.compress(&[7; 1000]).unwrap();
            assert!(compressed.len() < 100);
            let reservation = BodyMemoryLimit::new(100_000).reservation();
            let decompress =
                |compressed: &[u8], max| format.decompress(compressed, max, &reservation);
            assert_eq!(decompress(&compressed, 1000).unwrap(), vec![7; 1000]);
            assert_eq!(
                decompress(&compressed, 999).unwrap_err().code(),
                Code::TooLarge
            );
            for broken in [&compressed[..compressed.len() - 9], b"not compressed", b""] {
                let error = decompress(broken, 1000).unwrap_err();
                assert_eq!(error.code(), Code::InvalidRequest, "{format:?} {broken:?}");
            }
            // The body has ten times the available memory; no more than that is reserved.
            let large = format.compress(&vec![7; 1_000_000]).unwrap();
            assert_eq!(
                decompress(&large, 2_000_000).unwrap_err().code(),
                Code::Overloaded
            );
        }
    }

    #[test]
    fn accept_encoding_selects_coding() {
        let choice = |accept: &str| {
            let request = TestRequest::default().insert_header(("accept-encoding", accept));
            Format::accepted(&request.to_http_request())
        };
        assert_eq!(choice("gzip"), Some(Format::Gzip));
        assert_eq!(choice("deflate"), Some(Format::Deflate));
        assert_eq!(
            choice("gzip;q=0.2, deflate;q=0.8, br"),
            Some(Format::Deflate)
        );
        assert_eq!(choice("identity"), None);
        assert_eq!(choice("br"), None);
        assert_eq!(
            Format::accepted(&TestRequest::default().to_http_request()),
            None
        );
    }

    #[test]
    fn unsupported_coding_is_rejected() {
        let body = |encoding: &str| {
            let request = TestRequest::default().insert_header(("content-encoding", encoding));
            Format::of_body(&request.to_http_request())
        };
        assert_eq!(body("GZIP"), Ok(Some(Format::Gzip)));
        assert_eq!(body("x-gzip, identity"), Ok(Some(Format::Gzip)));
        for none in ["identity", "Identity", "", " ", "identity,IDENTITY", ","] {
            assert_eq!(body(none), Ok(None), "{none}");
        }
        assert!(body("gzip, gzip").is_err());
        assert_eq!(
            body("br").unwrap_err().code().status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }
}
