//! The implementation of cryptography for clients whose library takes it from the process.

use tokio_rustls::rustls::crypto::ring;

/// Sets the default of the process, which `reqwest` uses. Must be called before a client is created. Further calls change nothing.
pub fn install_crypto_provider() {
    // An error means that a default is set already.
    let _ = ring::default_provider().install_default();
}
