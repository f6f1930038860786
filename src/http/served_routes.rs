//! The routes of a listener.

use crate::auth::Access;

/// The routes that a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedRoutes {
    /// Admin requests.
    pub admin: bool,
    /// `/metrics`.
    pub metrics: bool,
    /// All other routes.
    pub other: bool,
}

impl ServedRoutes {
    /// Every route.
    pub const ALL: Self = Self {
        admin: true,
        metrics: true,
        other: true,
    };

    /// Returns whether a route with these credentials is served.
    pub(super) fn contains(self, access: Access) -> bool {
        match access {
            Access::Admin(_) => self.admin,
            Access::METRICS => self.metrics,
            Access::Public | Access::Key(_) => self.other,
        }
    }
}
