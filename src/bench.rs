//! Measures the cost of serving: load on a server from outside, and the same model without HTTP and without the batcher.
//!
//! ```text
//! suite    raw sessions -> batcher -> `mien serve` as a child process under load
//!   baseline    raw sessions and the batcher in this process
//!   overload    ten times the saturation throughput
//!   hiccups     scheduling stalls of the machine
//!   interleaved raw session and one connection, alternately
//!   server      the child process, repository: its model
//! study    the figures of a network
//! report   the figures as a table or JSON
//! ```
//!
//! [`mien_loadgen`] sends the requests.

mod baseline;
mod hiccups;
pub mod interleaved;
pub mod overload;
pub mod report;
mod repository;
mod server;
pub mod study;
pub mod suite;
