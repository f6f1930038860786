//! Formats of reports and their selection.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentDisposition, DispositionParam, DispositionType},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::negotiation;
use crate::{
    evaluation::report::POLICY,
    http::{ApiError, headers::NO_STORE},
};

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// JSON.
    Json,
    /// One self-contained HTML page.
    Html,
    /// Markdown.
    Markdown,
}

/// Content security policy of a page: its own policy, and no framing by other pages.
static PAGE_POLICY: LazyLock<String> =
    LazyLock::new(|| format!("{}; frame-ancestors 'none'", *POLICY));

impl ReportFormat {
    /// Offers for content negotiation; the first one is the default.
    const OFFERS: [(&str, Self); 3] = [
        (Self::Json.essence(), Self::Json),
        (Self::Html.essence(), Self::Html),
        (Self::Markdown.essence(), Self::Markdown),
    ];

    /// Returns the format of the query, otherwise the one that `Accept` prefers.
    ///
    /// # Errors
    /// Returns 406 if `Accept` matches no format.
    pub(in crate::http) fn select(
        request: &HttpRequest,
        requested: Option<Self>,
    ) -> Result<Self, ApiError> {
        requested.map_or_else(|| negotiation::best(request, &Self::OFFERS), Ok)
    }

    /// Returns the media type without parameters.
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

    /// Creates a response in this format with the file name `name`.
    pub(in crate::http) fn response(self, name: &str, body: String) -> HttpResponse {
        let media_type = match self {
            Self::Json => self.essence().to_owned(),
            Self::Html | Self::Markdown => format!("{}; charset=utf-8", self.essence()),
        };
        let mut response = HttpResponse::Ok();
        response
            .content_type(media_type)
            .insert_header((header::VARY, "accept"))
            .insert_header(NO_STORE)
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
    fn query_format_precedes_accept_header() {
        let request = TestRequest::default().insert_header(("accept", "image/png"));
        let request = request.to_http_request();
        assert_eq!(
            ReportFormat::select(&request, Some(ReportFormat::Markdown)),
            Ok(ReportFormat::Markdown)
        );
        assert!(ReportFormat::select(&request, None).is_err());
        let html = TestRequest::default().insert_header(("accept", "text/html, */*;q=0.1"));
        assert_eq!(
            ReportFormat::select(&html.to_http_request(), None),
            Ok(ReportFormat::Html)
        );
    }
}
