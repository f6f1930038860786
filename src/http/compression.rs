//! gzip and deflate (zlib, as HTTP means it), in both directions.

use std::io::{self, Read, Write};

use actix_web::{
    HttpRequest,
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header},
    web::Bytes,
};
use flate2::{
    Compression,
    read::{MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};

use super::error::{ApiError, Code};
use crate::intake::memory_limit::Reservation;

/// Bytes that are unpacked at a time.
const STEP: usize = 64 << 10;

/// The compressions that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Deflate,
}

impl Format {
    /// Its name in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The compression of a request's body.
    ///
    /// # Errors
    /// 415 for one that is not known.
    pub(super) fn of_body(request: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let Some(given) = request.headers().get(header::CONTENT_ENCODING) else { return Ok(None) };
        match given.to_str().map(str::to_ascii_lowercase).as_deref() {
            Ok("identity" | "") => Ok(None),
            Ok("gzip") => Ok(Some(Self::Gzip)),
            Ok("deflate") => Ok(Some(Self::Deflate)),
            _ => {
                let detail = "Content-Encoding: gzip, deflate or none is read";
                Err(ApiError::new(Code::UnsupportedMediaType, detail))
            }
        }
    }

    /// The compression that a client wants its answer in; none where it does not prefer one.
    pub(super) fn accepted(request: &HttpRequest) -> Option<Self> {
        let known = [ContentEncoding::Identity, ContentEncoding::Gzip, ContentEncoding::Deflate];
        let known = known.map(Encoding::Known);
        let accepted =
            AcceptEncoding::parse(request).ok().filter(|accepted| !accepted.is_empty())?;
        match accepted.negotiate(known.iter())? {
            Encoding::Known(ContentEncoding::Gzip) => Some(Self::Gzip),
            Encoding::Known(ContentEncoding::Deflate) => Some(Self::Deflate),
            Encoding::Known(_) | Encoding::Unknown(_) => None,
        }
    }

    /// Unpacks a body, up to `most` bytes.
    ///
    /// # Errors
    /// 400 for a broken body, 413 for one over the limit: no byte beyond it is unpacked. 503 where the memory is not there:
    /// it is taken from the reservation before it is used.
    pub(super) fn unpack(
        self,
        packed: &[u8],
        most: usize,
        reservation: &Reservation,
    ) -> Result<Bytes, ApiError> {
        match self {
            Self::Gzip => self.read(MultiGzDecoder::new(packed), most, reservation),
            Self::Deflate => self.read(ZlibDecoder::new(packed), most, reservation),
        }
    }

    fn read(
        self,
        mut unpacked: impl Read,
        most: usize,
        reservation: &Reservation,
    ) -> Result<Bytes, ApiError> {
        let mut body = Vec::new();
        loop {
            let step = STEP.min(most + 1 - body.len());
            if !reservation.reserve(step) {
                return Err(super::body::no_memory());
            }
            let limit = step as u64;
            let read = unpacked.by_ref().take(limit).read_to_end(&mut body).map_err(|error| {
                ApiError::invalid_request(format!("the body is no {}: {error}", self.name()))
            })?;
            if body.len() > most {
                return Err(super::body::too_large(most));
            }
            if read < step {
                return Ok(body.into());
            }
        }
    }

    /// Packs an answer.
    ///
    /// # Errors
    /// None in practice: memory takes everything.
    pub(super) fn pack(self, body: &[u8]) -> io::Result<Vec<u8>> {
        let level = Compression::fast();
        match self {
            Self::Gzip => {
                let mut packer = GzEncoder::new(Vec::new(), level);
                packer.write_all(body)?;
                packer.finish()
            }
            Self::Deflate => {
                let mut packer = ZlibEncoder::new(Vec::new(), level);
                packer.write_all(body)?;
                packer.finish()
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
    fn what_is_packed_is_unpacked_up_to_the_limit() {
        for format in [Format::Gzip, Format::Deflate] {
            let packed = format.pack(&[7; 1000]).unwrap();
            assert!(packed.len() < 100);
            let reservation = BodyMemoryLimit::new(100_000).reservation();
            let unpack = |packed: &[u8], most| format.unpack(packed, most, &reservation);
            assert_eq!(unpack(&packed, 1000).unwrap(), vec![7; 1000]);
            assert_eq!(unpack(&packed, 999).unwrap_err().code(), Code::TooLarge);
            for broken in [&packed[..packed.len() - 9], b"no such thing", b""] {
                let error = unpack(broken, 1000).unwrap_err();
                assert_eq!(error.code(), Code::InvalidRequest, "{format:?} {broken:?}");
            }
            // Ten times the memory that there is, of which no more than that is used.
            let large = format.pack(&vec![7; 1_000_000]).unwrap();
            assert_eq!(unpack(&large, 2_000_000).unwrap_err().code(), Code::Overloaded);
        }
    }

    #[test]
    fn the_client_chooses() {
        let choice = |accept: &str| {
            let request = TestRequest::default().insert_header(("accept-encoding", accept));
            Format::accepted(&request.to_http_request())
        };
        assert_eq!(choice("gzip"), Some(Format::Gzip));
        assert_eq!(choice("deflate"), Some(Format::Deflate));
        assert_eq!(choice("gzip;q=0.2, deflate;q=0.8, br"), Some(Format::Deflate));
        assert_eq!(choice("identity"), None);
        assert_eq!(choice("br"), None);
        assert_eq!(Format::accepted(&TestRequest::default().to_http_request()), None);
    }

    #[test]
    fn a_body_of_another_compression_is_refused() {
        let body = |encoding: &str| {
            let request = TestRequest::default().insert_header(("content-encoding", encoding));
            Format::of_body(&request.to_http_request())
        };
        assert_eq!(body("GZIP"), Ok(Some(Format::Gzip)));
        assert_eq!(body("identity"), Ok(None));
        assert_eq!(body("br").unwrap_err().code().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
