"""Creates the Secrets that the values of a rehearsal name."""

import subprocess


def create_secrets(server, directory):
    """Creates a certificate and API keys. Returns the data of the secrets."""
    certificate, key, keys = (directory / name for name in ("tls.crt", "tls.key", "keys.toml"))
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl += ["-subj", "/CN=mien", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    openssl += ["-out", certificate, "-keyout", key]
    subprocess.run(openssl, check=True, capture_output=True)
    values = {}
    for name, scope in (("client", "infer"), ("prometheus", "metrics")):
        command = [server, "keys", "new", name, "--scope", scope, "--file", keys]
        values[name] = subprocess.run(command, check=True, capture_output=True).stdout.strip()
    return {
        "tls": {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes()},
        "keys": {"keys.toml": keys.read_bytes()},
        "admin": {"token": b"token-of-the-rehearsal"},
        "client": {"key": values["client"]},
        "prometheus": {"key": values["prometheus"]},
    }
