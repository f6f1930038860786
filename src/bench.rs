//! Measures the cost of serving: load on a server from outside, and the same model without HTTP and without the batcher.
//!
//! ```text
//! suite    raw sessions -> batcher -> `mien serve` as a child process under load
//!   load        closed loop (a request follows a response) and open loop (requests arrive by the clock)
//!   overload    ten times the saturation throughput
//!   hiccups     scheduling stalls of the machine
//!   interleaved raw session and one connection, alternately
//!   process     CPU time and memory of the server
//!   server      the child process
//! report   the figures as a table or JSON
//! ```
//!
//! The load generator shares the machine with the server, so it has one thread and parses as little as possible.

mod engine;
mod hiccups;
pub mod interleaved;
pub mod load;
pub mod overload;
pub mod process;
pub mod report;
mod server;
pub mod suite;
