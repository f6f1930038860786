//! Endpoints: the rows of the table of routes. Registration, metrics, log levels and the OpenAPI document are derived
//! from them.

mod description;

use std::collections::BTreeSet;

use actix_web::{HttpResponse, Resource, Route, guard, http::Method, middleware::from_fn, web};
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::path::HttpMethod,
};

use self::description::Description;
use super::{
    authorize::authorize,
    error::{ApiError, Code},
};
use crate::{auth::Access, metrics::Metrics};

/// One method of one path.
pub(super) struct Endpoint {
    method: Method,
    /// Patterns of the path. All but the first one have a version in addition.
    paths: Vec<String>,
    access: Access,
    handler: fn() -> Route,
    supports_head: bool,
    /// Whether the access log entries of requests have the level DEBUG instead of INFO.
    is_logged_at_debug: bool,
    /// Errors with their descriptions, in the order of the table.
    problems: Vec<(Code, &'static str)>,
    /// `None` if the endpoint is not part of the OpenAPI document.
    description: Option<Description>,
}

impl Endpoint {
    /// Creates the endpoint that the attribute `utoipa::path` describes.
    pub(super) fn of<P>(access: Access, handler: fn() -> Route) -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
    {
        let description = Description::of::<P>();
        let method = actix_method(&description.method);
        Self {
            description: Some(description),
            problems: credential_problems(access),
            ..Self::undescribed(method, P::path(), access, handler)
        }
    }

    /// Creates the endpoint of a web page, which is not part of the OpenAPI document.
    pub(super) fn page(path: &str, handler: fn() -> Route) -> Self {
        Self::undescribed(Method::GET, path.to_owned(), Access::Public, handler)
    }

    fn undescribed(method: Method, path: String, access: Access, handler: fn() -> Route) -> Self {
        Self {
            access,
            supports_head: method == Method::GET,
            method,
            paths: vec![path],
            handler,
            is_logged_at_debug: false,
            problems: Vec::new(),
            description: None,
        }
    }

    /// Adds a pattern for the versions of a model: `prefix` of the path is replaced by `versioned`.
    pub(super) fn with_version(mut self, prefix: &str, versioned: &str) -> Self {
        let rest = self.paths[0].strip_prefix(prefix);
        let rest = rest.expect("the path begins with the prefix");
        self.paths.push(format!("{versioned}{rest}"));
        self
    }

    /// Rejects HEAD, because the response of GET is a stream of events.
    pub(super) fn without_head(mut self) -> Self {
        self.supports_head = false;
        self
    }

    /// Logs requests at the level DEBUG, because probes and scrapers repeat them every few seconds.
    pub(super) fn log_at_debug(mut self) -> Self {
        self.is_logged_at_debug = true;
        self
    }

    /// Documents errors with the descriptions of the table of codes.
    pub(super) fn problems(mut self, groups: &[&[Code]]) -> Self {
        let codes = groups.iter().copied().flatten();
        for code in codes {
            self = self.problem(*code, code.description());
        }
        self
    }

    /// Documents an error with a description of its own.
    pub(super) fn problem(mut self, code: Code, description: &'static str) -> Self {
        self.problems.push((code, description));
        self
    }

    /// Returns the patterns of the path.
    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Returns the credentials that the endpoint requires.
    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Returns the errors with their descriptions.
    pub(super) fn documented_problems(&self) -> &[(Code, &'static str)] {
        &self.problems
    }

    /// Returns the description for the OpenAPI document.
    pub(super) fn description(&self) -> Option<&Description> {
        self.description.as_ref()
    }

    /// Returns the methods that the endpoint supports.
    fn methods(&self) -> impl Iterator<Item = &str> {
        let head = self.supports_head.then_some("HEAD");
        std::iter::once(self.method.as_str()).chain(head)
    }

    fn route(&self) -> Route {
        let method = guard::Any(guard::Method(self.method.clone()));
        let route = (self.handler)().guard(if self.supports_head {
            method.or(guard::Head())
        } else {
            method
        });
        let access = self.access;
        if access == Access::Public {
            return route;
        }
        route.wrap(from_fn(move |request, next| {
            authorize(access, request, next)
        }))
    }
}

/// Returns the errors of requests without valid credentials.
fn credential_problems(access: Access) -> Vec<(Code, &'static str)> {
    let codes: &[Code] = match access {
        Access::Public => &[],
        Access::INFERENCE => &[Code::Unauthorized, Code::Forbidden, Code::RateLimited],
        Access::Key(_) | Access::Admin(_) => &[Code::Unauthorized, Code::Forbidden],
    };
    let with_description = |code: &Code| (*code, code.description());
    codes.iter().map(with_description).collect()
}

/// Registers all endpoints. Other methods of their paths get 405 with `Allow`.
pub(super) fn register(endpoints: &[Endpoint], config: &mut web::ServiceConfig) {
    let mut paths: Vec<&str> = Vec::new();
    for path in endpoints.iter().flat_map(Endpoint::paths) {
        if !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    for path in paths {
        let of_path = endpoints
            .iter()
            .filter(|endpoint| endpoint.paths.iter().any(|other| other == path));
        config.service(resource(path, &of_path.collect::<Vec<_>>()));
    }
}

fn resource(path: &str, endpoints: &[&Endpoint]) -> Resource {
    let routes = endpoints.iter().map(|endpoint| endpoint.route());
    let resource = routes.fold(web::resource(path), Resource::route);
    let allow = allow(endpoints);
    resource.default_service(web::to(move || {
        let error = ApiError::method_not_allowed(allow.clone());
        async move { Err::<HttpResponse, _>(error) }
    }))
}

/// Returns the value of `Allow`.
fn allow(endpoints: &[&Endpoint]) -> String {
    let mut methods: Vec<&str> = endpoints
        .iter()
        .flat_map(|endpoint| endpoint.methods())
        .collect();
    methods.sort_by_key(|method| {
        let order = ["GET", "HEAD", "POST", "PUT", "DELETE"];
        order.iter().position(|known| known == method)
    });
    methods.join(", ")
}

/// Returns the path patterns of the endpoints whose requests are logged at the level DEBUG.
pub(super) fn logged_at_debug(endpoints: &[Endpoint]) -> BTreeSet<String> {
    endpoints
        .iter()
        .filter(|endpoint| endpoint.is_logged_at_debug)
        .flat_map(|endpoint| endpoint.paths.iter().cloned())
        .collect()
}

/// Creates the metrics of every endpoint with the value 0.
pub(super) fn init_metrics(endpoints: &[Endpoint], metrics: &Metrics) {
    for endpoint in endpoints {
        let success = endpoint.description().map_or(200, Description::success);
        for path in &endpoint.paths {
            metrics.init_route(endpoint.method.as_str(), path, success);
        }
    }
}

fn actix_method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
