//! The server at its public doors: HTTP on a free port, real models, the real program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod batching;
mod bench;
mod classify;
mod cli;
mod comparison;
mod connections;
mod datasets;
mod ensembles;
mod evaluations;
mod events;
mod explain;
mod grpc;
mod health;
mod helpers;
mod lifecycle;
mod limits;
mod metrics;
mod models;
mod openapi;
mod orders;
mod page;
mod program;
mod promotions;
mod report;
mod resources;
mod state;
mod tuning;
mod v2;
