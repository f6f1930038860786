//! The forms that a report comes in, and which of them a client wants.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentDisposition, DispositionParam, DispositionType},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, negotiation};
use crate::evaluation::report::POLICY;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
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

impl ReportFormat {
    /// Of equals, those that come first are preferred.
    const OFFERS: [(&str, Self); 3] = [
        (Self::Json.essence(), Self::Json),
        (Self::Html.essence(), Self::Html),
        (Self::Markdown.essence(), Self::Markdown),
    ];

    /// The form that was asked for by name, or else the one that `Accept` likes best.
    ///
    /// # Errors
    /// 406 where `Accept` names none of them.
    pub(super) fn wanted(request: &HttpRequest, named: Option<Self>) -> Result<Self, ApiError> {
        named.map_or_else(|| negotiation::best(request, &Self::OFFERS), Ok)
    }

    /// Its media type, without parameters.
    const fn essence(self) -> &'static str {
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

    #[test]
    fn the_name_goes_before_the_header() {
        let request = TestRequest::default().insert_header(("accept", "image/png"));
        let request = request.to_http_request();
        assert_eq!(
            ReportFormat::wanted(&request, Some(ReportFormat::Markdown)),
            Ok(ReportFormat::Markdown)
        );
        assert!(ReportFormat::wanted(&request, None).is_err());
        let html = TestRequest::default().insert_header(("accept", "text/html, */*;q=0.1"));
        assert_eq!(ReportFormat::wanted(&html.to_http_request(), None), Ok(ReportFormat::Html));
    }
}
