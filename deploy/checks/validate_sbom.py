"""Validates a bill of materials: validate_sbom.py FILE

The document must match the schema of CycloneDX 1.6. All references of its dependencies must be those of components, and
each component must have a hash unless it is part of this repository.
"""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = Path(sys.argv[1]).read_text()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if error is not None:
    raise SystemExit(f"the document does not match the schema: {error.data}")
document = json.loads(text)
components = [document["metadata"]["component"], *document["components"]]
references = {component["bom-ref"] for component in components}
edges = document["dependencies"]
unknown = {target for edge in edges for target in [edge["ref"], *edge["dependsOn"]]} - references
if unknown or len(references) != len(components):
    raise SystemExit(f"references are unknown or not unique: {sorted(unknown)[:5]}")
without_hash = [item["bom-ref"] for item in components if "hashes" not in item]
if any(not reference.startswith("crate/mien") for reference in without_hash):
    raise SystemExit(f"components without a hash: {without_hash}")
reached, waiting = set(), [components[0]["bom-ref"]]
targets = {edge["ref"]: edge["dependsOn"] for edge in edges}
while waiting:
    reference = waiting.pop()
    if reference not in reached:
        reached.add(reference)
        waiting += targets[reference]
if reached != references:
    raise SystemExit(f"the server does not depend on {sorted(references - reached)[:5]}")
print(f"{len(components)} components are valid")
