//! Tests of the server through its public interfaces: HTTP and gRPC on a free port with real models, and the program itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot continue should panic"
)]

mod admin;
mod analyze;
mod batching;
mod bench;
mod classify;
mod cli;
mod comparison;
mod connections;
mod datasets;
mod documents;
mod drift;
mod endless;
mod engines;
mod ensembles;
mod evaluations;
mod events;
mod eventually;
mod excerpts;
mod explain;
mod faces;
mod grpc;
mod health;
mod helpers;
mod keys;
mod lifecycle;
mod limits;
mod listeners;
mod live;
mod metrics;
mod models;
mod notice;
mod openapi;
mod program;
mod promotions;
mod report;
mod resources;
mod shadow;
mod signatures;
mod state;
mod tls;
mod traces;
mod tuning;
mod v2;
mod web_pages;
mod web_ui;
