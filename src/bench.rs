//! What serving costs: load on a server from outside, the same model without HTTP and without a batcher.
//!
//! ```text
//! study    raw sessions -> batcher -> `mien serve` as a child, under load
//!   load     closed loop (a request follows an answer) and open loop (requests come by the clock)
//!   overload ten times more than it can do
//!   stalls   how long the machine itself stood still meanwhile
//!   paired   the bare session and one connection by turns
//!   process  CPU time and memory of the server
//!   server   the child
//! report   the figures, as a table or JSON
//! ```
//!
//! The generator shares the machine with the server, so it is one thread and parses no more than it must.

mod engine;
mod hiccups;
pub mod interleaved;
pub mod load;
pub mod overload;
pub mod process;
pub mod report;
mod server;
pub mod suite;
