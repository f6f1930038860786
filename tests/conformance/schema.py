"""Checks a running server against its OpenAPI document with Schemathesis. See README.md in this directory."""

import argparse
import subprocess
import sys
from pathlib import Path

# Routes without a schema of their responses: a stream that does not end, and the web UI.
EXCLUDED = ["/v1/evaluations/{id}/events"]

# Requests of these routes change the models that later requests need.
ADMIN = "/(load|unload|pin)$"

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="address of the server")
    parser.add_argument("--examples", type=int, default=50, help="number of requests per operation and phase")
    parser.add_argument("--seed", type=int, default=1, help="seed of the generated requests")
    arguments = parser.parse_args()
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{arguments.url}/openapi.json",
        f"--max-examples={arguments.examples}",
        f"--seed={arguments.seed}",
        f"--checks={','.join(CHECKS)}",
        "--phases=examples,coverage,fuzzing",
        "--continue-on-failure",
        "--request-timeout=30",
    ]
    command += [f"--exclude-path={path}" for path in EXCLUDED]
    # Schemathesis applies only the last of several expressions.
    command.append(f"--exclude-path-regex={ADMIN}")
    sys.exit(subprocess.run(command, check=False).returncode)


main()
