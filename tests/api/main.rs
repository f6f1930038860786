//! The API tests.
#![allow(missing_docs)]
