//! The files of a TLS server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    self, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{
        NoClientAuth, VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};

/// The files of a TLS server, in PEM format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the server, followed by its intermediate certificates.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// The authorities of client certificates. Without it, clients do not need a certificate.
    pub client_authorities: Option<PathBuf>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("cannot read `{}` ({flag})", path.display())]
    Read {
        /// The flag of the file.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: pem::Error,
    },
    /// A file does not contain a certificate.
    #[error("`{}` ({flag}) does not contain a certificate in PEM format", path.display())]
    NoCertificate {
        /// The flag of the file.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The certificate is invalid, or the key is not that of the certificate.
    #[error("cannot use the certificate `{}` with the key of --tls-key", path.display())]
    Certificate {
        /// The file of the certificate.
        path: PathBuf,
        /// The reason.
        source: rustls::Error,
    },
    /// An authority of client certificates is invalid.
    #[error("invalid authority of client certificates in `{}` (--tls-client-ca): {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl TlsFiles {
    /// Returns all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        let files = [&self.certificate, &self.key];
        let files = files.into_iter().chain(&self.client_authorities);
        files.cloned().collect()
    }

    /// Reads the files and returns the configuration for a protocol.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or is invalid, or if the key is not that of the certificate.
    pub(super) fn config(&self, protocol: &[u8]) -> Result<ServerConfig, TlsError> {
        let chain = certificates(&self.certificate, "--tls-cert")?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|source| TlsError::Read {
            flag: "--tls-key",
            path: self.key.clone(),
            source,
        })?;
        let certificate = |source| TlsError::Certificate {
            path: self.certificate.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()
            .map_err(certificate)?
            .with_client_cert_verifier(self.client_verifier()?)
            .with_single_cert(chain, key)
            .map_err(certificate)?;
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }

    /// Returns the verifier of client certificates.
    fn client_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let Some(path) = &self.client_authorities else {
            return Ok(Arc::new(NoClientAuth));
        };
        let invalid = |reason: String| TlsError::Authority {
            path: path.clone(),
            reason,
        };
        let mut roots = RootCertStore::empty();
        for authority in certificates(path, "--tls-client-ca")? {
            roots
                .add(authority)
                .map_err(|error| invalid(error.to_string()))?;
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        verifier
            .build()
            .map(|verifier| verifier as Arc<dyn ClientCertVerifier>)
            .map_err(|error: VerifierBuilderError| invalid(error.to_string()))
    }
}

/// Reads at least one certificate.
pub(super) fn certificates(
    path: &Path,
    flag: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|source| TlsError::Read {
        flag,
        path: path.to_owned(),
        source,
    })?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate {
            flag,
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
