//! The description of an endpoint in the OpenAPI document.

use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::{
        RefOr, Schema,
        path::{HttpMethod, Operation},
    },
};

/// The functions that `utoipa::path` generates for an endpoint. They are called only when their result is needed, because the
/// result is large and each worker thread has its own table of endpoints.
pub(in crate::http) struct Description {
    pub(in crate::http) method: HttpMethod,
    operation: fn() -> Operation,
    schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Description {
    pub(super) fn of<P>() -> Self
    where
        P: Path + SchemaReferences + for<'t> Tags<'t>,
    {
        let method = P::methods().into_iter().next();
        Self {
            method: method.expect("every description has a method"),
            operation: || {
                let mut operation = P::operation();
                operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
                operation
            },
            schemas: P::schemas,
        }
    }

    /// Returns the request and the successful responses.
    pub(in crate::http) fn operation(&self) -> Operation {
        (self.operation)()
    }

    /// Returns the schemas that the operation refers to.
    pub(in crate::http) fn schemas(&self) -> Vec<(String, RefOr<Schema>)> {
        let mut schemas = Vec::new();
        (self.schemas)(&mut schemas);
        schemas
    }

    /// Returns the status of a successful response.
    pub(super) fn success(&self) -> u16 {
        let statuses = self.operation().responses.responses;
        statuses
            .keys()
            .filter_map(|status| status.parse().ok())
            .min()
            .expect("every description has a status")
    }
}
