"""Creates the Deployment that KServe creates from a ServingRuntime and an InferenceService."""

import yaml
from image import ROOT

MODEL = "model"


def objects(runtime, service):
    """Returns the Deployment for two files below `deploy/kserve`."""
    runtime, service = (yaml.safe_load((ROOT / "deploy/kserve" / name).read_text()) for name in (runtime, service))
    predictor = service["spec"]["predictor"]
    if predictor["model"]["runtime"] != runtime["metadata"]["name"]:
        used, expected = predictor["model"]["runtime"], runtime["metadata"]["name"]
        raise SystemExit(f"the InferenceService uses the runtime `{used}`; it must use `{expected}`")
    (container,) = runtime["spec"]["containers"]
    name = service["metadata"]["name"]
    container["args"] = [word.replace("{{.Name}}", name) for word in container["args"]]
    # KServe mounts the directory of storageUri.
    container["volumeMounts"].append({"name": MODEL, "mountPath": "/mnt/models"})
    claim = {"name": MODEL, "persistentVolumeClaim": {"claimName": MODEL}}
    pod = {
        "containers": [container],
        "volumes": [*runtime["spec"]["volumes"], claim],
        "terminationGracePeriodSeconds": predictor["terminationGracePeriodSeconds"],
    }
    return [{"kind": "Deployment", "spec": {"template": {"spec": pod}}}]
