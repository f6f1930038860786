//! The forms that a report comes in, and which of them a client wants (RFC 9110, section 12.5.1).

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{
        self, Accept, ContentDisposition, DispositionParam, DispositionType, Header, Quality,
    },
};
use mime::Mime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ApiError, Code};
use crate::evaluation::report::POLICY;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// For programs.
    Json,
    /// One page that needs nothing else.
    Html,
    /// Text with tables.
    Markdown,
}

/// That of a page: what it says itself, and that no other page frames it.
static PAGE_POLICY: LazyLock<String> =
    LazyLock::new(|| format!("{}; frame-ancestors 'none'", *POLICY));

impl Form {
    /// Of equals, those that come first are preferred.
    const ALL: [Self; 3] = [Self::Json, Self::Html, Self::Markdown];

    /// The form that was asked for by name, or else the one that `Accept` likes best: by its quality, then by how closely it was
    /// named. JSON where it says nothing.
    ///
    /// # Errors
    /// 406 where `Accept` names none of them.
    pub(super) fn wanted(request: &HttpRequest, named: Option<Self>) -> Result<Self, ApiError> {
        if let Some(form) = named {
            return Ok(form);
        }
        let accept = Accept::parse(request).ok().filter(|accept| !accept.is_empty());
        let Some(accept) = accept else { return Ok(Self::Json) };
        let liked = Self::ALL.into_iter().rev().filter_map(|form| {
            let (closeness, quality) = form.place(&accept)?;
            (quality > Quality::ZERO).then_some(((quality, closeness), form))
        });
        // The last of equals, so the first of all.
        let best = liked.max_by_key(|(place, _)| *place).map(|(_, form)| form);
        best.ok_or_else(|| {
            let known = Self::ALL.map(Self::essence).join(", ");
            ApiError::new(Code::NotAcceptable, format!("it comes as {known}; ask for one of them"))
        })
    }

    /// How closely the closest range of `Accept` names it, and the quality of that.
    fn place(self, accept: &Accept) -> Option<(u8, Quality)> {
        let ranges = accept.iter();
        let places = ranges.filter_map(|range| Some((self.closeness(&range.item)?, range.quality)));
        places.max_by_key(|(closeness, _)| *closeness)
    }

    fn closeness(self, range: &Mime) -> Option<u8> {
        let essence = range.essence_str();
        let (kind, _) = self.essence().split_once('/')?;
        match essence {
            "*/*" => Some(0),
            _ if range.subtype() == mime::STAR && range.type_() == kind => Some(1),
            _ if essence == self.essence() => Some(2),
            _ => None,
        }
    }

    /// Its media type, without parameters.
    fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html",
            Self::Markdown => "text/markdown",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Markdown => "md",
        }
    }

    /// An answer in this form, to be shown, and to be saved as `name`.
    pub(super) fn answer(self, name: &str, body: String) -> HttpResponse {
        let media_type = match self {
            Self::Json => self.essence().to_owned(),
            Self::Html | Self::Markdown => format!("{}; charset=utf-8", self.essence()),
        };
        let mut response = HttpResponse::Ok();
        response
            .content_type(media_type)
            .insert_header((header::VARY, "accept"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header(ContentDisposition {
                disposition: DispositionType::Inline,
                parameters: vec![DispositionParam::Filename(format!(
                    "{name}.{}",
                    self.extension()
                ))],
            });
        if self == Self::Html {
            response
                .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY.as_str()))
                .insert_header((header::REFERRER_POLICY, "no-referrer"));
        }
        response.body(body)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wanted(accept: &str) -> Result<Form, ApiError> {
        let request = TestRequest::default().insert_header(("accept", accept));
        Form::wanted(&request.to_http_request(), None)
    }

    #[test]
    fn the_client_chooses_by_quality_then_by_closeness() {
        for (accept, form) in [
            ("*/*", Form::Json),
            ("", Form::Json),
            ("text/html", Form::Html),
            ("TEXT/Markdown; charset=utf-8", Form::Markdown),
            ("text/*", Form::Html),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Html),
            ("application/json, text/plain, */*", Form::Json),
            ("text/html, application/json", Form::Json),
            ("text/html, */*", Form::Html),
            ("text/html;q=0.4, text/markdown;q=0.5, application/json;q=0.3", Form::Markdown),
            ("*/*, application/json;q=0", Form::Html),
            ("text/*;q=0.9, text/html;q=0.1, application/json;q=0.5", Form::Markdown),
            ("image/png, nonsense, text/markdown;q=0.1", Form::Markdown),
        ] {
            assert_eq!(wanted(accept), Ok(form), "{accept}");
        }
        let silent = TestRequest::default().to_http_request();
        assert_eq!(Form::wanted(&silent, None), Ok(Form::Json));
        assert_eq!(Form::wanted(&silent, Some(Form::Html)), Ok(Form::Html));
    }

    #[test]
    fn what_nobody_writes_is_not_acceptable() {
        for accept in ["image/png", "application/*;q=0", "text/html;q=0", "*/*;q=0"] {
            assert_eq!(wanted(accept).unwrap_err().code(), Code::NotAcceptable, "{accept}");
        }
        let named = TestRequest::default().insert_header(("accept", "image/png"));
        assert_eq!(Form::wanted(&named.to_http_request(), Some(Form::Json)), Ok(Form::Json));
    }
}
