//! A load generator for HTTP servers: closed and open loops, latencies, and the CPU time of the server.
//!
//! The load generator shares the machine with the server, so it has one thread and parses as little as possible.
//!
//! - [`load`] — closed loop (a request follows a response) and open loop (requests arrive in a Poisson process).
//! - [`connection`] — an HTTP/1.1 connection.
//! - [`url`] — the address of a URL.
//! - [`latency`] — percentiles.
//! - [`window`] — the measured part of a load.
//! - [`process`] — CPU time and memory of a process, from `/proc`.
pub mod connection;
pub mod latency;
pub mod load;
pub mod process;
pub mod url;
pub mod window;
