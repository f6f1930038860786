"""Checks a running server with Triton's unmodified Python client. See README.md in this directory."""

import argparse
import asyncio
import json
import queue
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http_client
import tritonclient.http.aio as http_aio
from tritonclient.utils import InferenceServerException

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())


def image_file(name):
    return (FIXTURES / "faces" / f"{name}.png").read_bytes()


def gray(name):
    """Decodes a fixture face (8-bit gray PNG) without an image library."""
    import struct
    import zlib

    data, at, packed = image_file(name), 8, b""
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8 : at + 18])
            assert (width, height, depth, colour) == (48, 48, 8, 0), "the fixtures are 8-bit gray"
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw, rows, above = zlib.decompress(packed), [], [0] * 48
    for y in range(48):
        kind, line, row = raw[y * 49], raw[y * 49 + 1 : y * 49 + 49], []
        for x in range(48):
            left, up, corner = (row[x - 1] if x else 0), above[x], (above[x - 1] if x else 0)
            guess = left + up - corner
            paeth = min((left, up, corner), key=lambda p: abs(guess - p))
            row.append((line[x] + [0, left, up, (left + up) // 2, paeth][kind]) & 255)
        rows.append(row)
        above = row
    return np.array(rows, dtype=np.uint8)


def expected(model, name):
    probabilities = EXPECTED[model][name]["probabilities"]
    return np.array([probabilities[label] for label in sorted(probabilities)], dtype=np.float32)


def assert_close(actual, model, names):
    """Checks probabilities against those of ONNX Runtime's Python package."""
    reference = np.stack([expected(model, name) for name in names])
    assert actual.shape == reference.shape, (actual.shape, reference.shape)
    assert np.abs(actual - reference).max() < 1e-5, (actual, reference)


def assert_rejected(status, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except InferenceServerException as error:
        assert status in str(error.status()), error
        assert error.message(), error
        return
    raise AssertionError("the server accepted the request")


def face_tensor(module, names, **options):
    tensor = np.stack([gray(name) for name in names])[:, None]
    face = module.InferInput("image", list(tensor.shape), "UINT8")
    face.set_data_from_numpy(tensor, **options)
    return [face]


def encoded_images(module, names):
    tensor = np.array([image_file(name) for name in names], dtype=object)
    encoded = module.InferInput("image", [len(names)], "BYTES")
    encoded.set_data_from_numpy(tensor)
    return [encoded]


class Common:
    """Checks of the functions that both clients have."""

    module = None
    # The status of an error for an unknown model, and for an invalid request.
    not_found = None
    invalid = None

    def __init__(self, client):
        self.client = client

    def json(self, message):
        """Converts a response to the types of JSON."""
        return message

    def check_health(self):
        assert self.client.is_server_live()
        assert self.client.is_server_ready()
        assert self.client.is_model_ready("small")
        assert self.client.is_model_ready("small", "1")
        assert not self.client.is_model_ready("small", "2")
        assert not self.client.is_model_ready("broken")
        assert not self.client.is_model_ready("nope")

    def check_server_metadata(self):
        server = self.json(self.client.get_server_metadata())
        assert server["name"] == "mien" and server["version"], server
        assert {"binary_tensor_data", "classification", "statistics"} <= set(server["extensions"])

    def check_model_metadata(self):
        model = self.json(self.client.get_model_metadata("small"))
        assert model["name"] == "small" and model["versions"] == ["1"], model
        assert model["platform"] == "onnxruntime_onnx", model
        (image,) = model["inputs"]
        assert (image["name"], image["datatype"]) == ("image", "UINT8"), image
        assert [int(extent) for extent in image["shape"]] == [-1, 1, 48, 48], image
        assert {output["name"] for output in model["outputs"]} == {"probabilities", "logits"}
        assert_rejected(self.not_found, self.client.get_model_metadata, "nope")
        assert_rejected(self.not_found, self.client.get_model_metadata, "small", "7")

    def check_model_config(self):
        config = self.json(self.client.get_model_config("small", "1"))
        config = config.get("config", config)
        assert config["name"] == "small" and int(config["max_batch_size"]) == 64, config
        assert config["input"][0]["data_type"] == "TYPE_UINT8", config
        assert [int(extent) for extent in config["input"][0]["dims"]] == [1, 48, 48], config
        assert config["instance_group"][0]["kind"] == "KIND_CPU", config
        assert int(config["dynamic_batching"]["preferred_batch_size"][0]) >= 1, config
        assert_rejected(self.not_found, self.client.get_model_config, "nope")

    def check_repository_index(self):
        index = self.json(self.client.get_model_repository_index())
        index = index["models"] if isinstance(index, dict) else index
        states = {entry["name"]: entry["state"] for entry in index}
        assert states["small"] == "READY" and states["broken"] == "UNAVAILABLE", states
        assert next(entry for entry in index if entry["name"] == "broken")["reason"]

    def statistics(self):
        stats = self.json(self.client.get_inference_statistics("small", "1"))["model_stats"][0]
        return int(stats["inference_count"]), int(stats["execution_count"]), stats

    def check_statistics(self):
        images, runs, _ = self.statistics()
        self.client.infer("small", face_tensor(self.module, ["happy", "sad"]))
        after, runs_after, stats = self.statistics()
        assert after == images + 2 and runs < runs_after <= runs + 2, stats
        assert int(stats["last_inference"]) > 1_700_000_000_000, stats
        for name in ["success", "queue", "compute_input", "compute_infer", "compute_output"]:
            assert int(stats["inference_stats"][name]["count"]) > 0, (name, stats)
        assert int(stats["inference_stats"]["compute_infer"]["ns"]) > 0, stats
        batches = stats["batch_stats"]
        assert sum(int(b["compute_infer"]["count"]) for b in batches) == runs_after, stats
        everything = self.json(self.client.get_inference_statistics())["model_stats"]
        assert {"small", "keras", "tiny"} <= {stats["name"] for stats in everything}
        assert_rejected(self.not_found, self.client.get_inference_statistics, "nope")

    def check_infer(self):
        result = self.client.infer("small", face_tensor(self.module, CLASSES), request_id="seven")
        assert_close(result.as_numpy("probabilities"), "small", CLASSES)
        assert result.as_numpy("logits").shape == (7, 7)
        assert result.as_numpy("nope") is None
        assert result.get_output("logits") is not None
        response = result.get_response()
        identity = response["id"] if isinstance(response, dict) else response.id
        assert identity == "seven", response

    def check_infer_with_version(self):
        result = self.client.infer("small", face_tensor(self.module, ["fear"]), model_version="1")
        assert_close(result.as_numpy("probabilities"), "small", ["fear"])
        assert_rejected(self.not_found, self.client.infer, "small", face_tensor(self.module, ["fear"]), model_version="2")
        assert_rejected(self.not_found, self.client.infer, "nope", face_tensor(self.module, ["fear"]))

    def check_float_model(self):
        tensor = np.stack([gray(name) for name in ["angry", "sad"]])[..., None].astype(np.float32) / 255
        image = self.module.InferInput("input_1", list(tensor.shape), "FP32")
        image.set_data_from_numpy(tensor)
        result = self.client.infer("keras", [image])
        assert_close(result.as_numpy("dense_1"), "keras", ["angry", "sad"])

    def check_encoded_images(self):
        result = self.client.infer("small", encoded_images(self.module, CLASSES))
        assert_close(result.as_numpy("probabilities"), "small", CLASSES)

    def check_outputs(self):
        outputs = [self.module.InferRequestedOutput("logits")]
        result = self.client.infer("small", face_tensor(self.module, ["happy"]), outputs=outputs)
        assert result.as_numpy("logits").shape == (1, 7)
        assert result.as_numpy("probabilities") is None
        nope = [self.module.InferRequestedOutput("nope")]
        assert_rejected(self.invalid, self.client.infer, "small", face_tensor(self.module, ["happy"]), outputs=nope)

    def check_classification(self):
        outputs = [self.module.InferRequestedOutput("probabilities", class_count=3)]
        result = self.client.infer("small", face_tensor(self.module, ["happy", "sad"]), outputs=outputs)
        self.assert_classes(result)

    def assert_classes(self, result):
        classes = result.as_numpy("probabilities")
        assert classes.shape == (2, 3), classes
        for name, row in zip(["happy", "sad"], classes):
            text = [cell.decode() if isinstance(cell, bytes) else cell for cell in row]
            value, index, label = text[0].split(":")
            top = int(expected("small", name).argmax())
            assert (int(index), label) == (top, CLASSES[top]), text
            assert abs(float(value) - expected("small", name)[top]) < 1e-5, text

    def check_timeout(self):
        self.client.infer("small", face_tensor(self.module, ["happy"]), timeout=5_000_000, priority=2)
        late = "504" if self.module is http_client else "DEADLINE_EXCEEDED"
        assert_rejected(late, self.client.infer, "small", encoded_images(self.module, CLASSES), timeout=1)

    def check_parameters(self):
        parameters = {"mine": 1, "text": "x", "flag": True}
        self.client.infer("small", face_tensor(self.module, ["happy"]), parameters=parameters)
        self.client.infer("small", face_tensor(self.module, ["happy"]), sequence_id=3, sequence_start=True)

    def check_invalid_requests(self):
        tensor = self.module.InferInput("image", [1, 1, 48, 48], "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 1, 48, 48), dtype=np.float32))
        assert_rejected(self.invalid, self.client.infer, "small", [tensor])
        tensor = self.module.InferInput("image", [1, 1, 40, 40], "UINT8")
        tensor.set_data_from_numpy(np.zeros((1, 1, 40, 40), dtype=np.uint8))
        assert_rejected(self.invalid, self.client.infer, "small", [tensor])
        tensor = self.module.InferInput("image", [1], "BYTES")
        tensor.set_data_from_numpy(np.array([b"not an image"], dtype=object))
        assert_rejected(self.invalid, self.client.infer, "small", [tensor])
        shared = self.module.InferInput("image", [1, 1, 48, 48], "UINT8")
        shared.set_shared_memory("region", 2304)
        assert_rejected(self.invalid, self.client.infer, "small", [shared])

    def check_load_and_unload(self):
        self.client.unload_model("tiny")
        assert not self.client.is_model_ready("tiny")
        self.client.load_model("tiny")
        assert self.client.is_model_ready("tiny")
        assert_rejected("", self.client.load_model, "nope")
        assert_rejected("", self.client.load_model, "broken")


class Http(Common):
    module = http_client
    not_found = "404"
    invalid = "400"

    def check_json_data(self):
        for binary in [True, False]:
            outputs = [http_client.InferRequestedOutput("probabilities", binary_data=binary)]
            inputs = face_tensor(http_client, ["happy", "fear"], binary_data=False)
            result = self.client.infer("small", inputs, outputs=outputs)
            assert_close(result.as_numpy("probabilities"), "small", ["happy", "fear"])
            assert ("data" in result.get_output("probabilities")) != binary

    def check_classification_in_json(self):
        outputs = [http_client.InferRequestedOutput("probabilities", binary_data=False, class_count=3)]
        result = self.client.infer("small", face_tensor(http_client, ["happy", "sad"]), outputs=outputs)
        self.assert_classes(result)

    def check_compression(self):
        for request_encoding in [None, "gzip", "deflate"]:
            for response_encoding in [None, "gzip", "deflate"]:
                result = self.client.infer(
                    "small",
                    face_tensor(http_client, CLASSES),
                    request_compression_algorithm=request_encoding,
                    response_compression_algorithm=response_encoding,
                )
                assert_close(result.as_numpy("probabilities"), "small", CLASSES)

    def check_async_infer(self):
        handles = [self.client.async_infer("small", face_tensor(http_client, [name])) for name in CLASSES * 8]
        for name, handle in zip(CLASSES * 8, handles):
            assert_close(handle.get_result().as_numpy("probabilities"), "small", [name])

    def check_generated_request_body(self):
        import urllib.request

        make = http_client.InferenceServerClient.generate_request_body
        body, length = make(face_tensor(http_client, ["happy"]))
        headers = {"Inference-Header-Content-Length": str(length)}
        url = f"http://{ARGUMENTS.http}/v2/models/small/infer"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as response:
            length = int(response.headers["Inference-Header-Content-Length"])
            parse = http_client.InferenceServerClient.parse_response_body
            result = parse(response.read(), header_length=length)
        assert_close(result.as_numpy("probabilities"), "small", ["happy"])

    def check_raw_body(self):
        import urllib.request

        url = f"http://{ARGUMENTS.http}/v2/models/small/infer"
        body = gray("surprise").tobytes()
        request = urllib.request.Request(url, body, {"Inference-Header-Content-Length": "0"})
        with urllib.request.urlopen(request) as response:
            length = int(response.headers["Inference-Header-Content-Length"])
            result = http_client.InferResult.from_response_body(response.read(), header_length=length)
        assert_close(result.as_numpy("probabilities"), "small", ["surprise"])

    def check_asyncio(self):
        async def infer_all():
            async with http_aio.InferenceServerClient(ARGUMENTS.http) as client:
                assert await client.is_server_ready()
                calls = [client.infer("small", face_tensor(http_client, [name])) for name in CLASSES]
                for name, result in zip(CLASSES, await asyncio.gather(*calls)):
                    assert_close(result.as_numpy("probabilities"), "small", [name])

        asyncio.run(infer_all())


class Grpc(Common):
    module = grpc_client
    not_found = "NOT_FOUND"
    invalid = "INVALID_ARGUMENT"

    def json(self, message):
        from google.protobuf.json_format import MessageToDict

        return MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )

    def check_compression(self):
        for algorithm in ["gzip", "deflate"]:
            inputs = face_tensor(grpc_client, CLASSES)
            result = self.client.infer("small", inputs, compression_algorithm=algorithm)
            assert_close(result.as_numpy("probabilities"), "small", CLASSES)

    def check_async_infer(self):
        results = queue.Queue()
        for name in CLASSES * 8:
            callback = lambda result, error, name=name: results.put((name, result, error))
            self.client.async_infer("small", face_tensor(grpc_client, [name]), callback)
        for _ in CLASSES * 8:
            name, result, error = results.get(timeout=30)
            assert error is None, error
            assert_close(result.as_numpy("probabilities"), "small", [name])

    def check_cancel(self):
        done = threading.Event()
        callback = lambda result, error: done.set()
        call = self.client.async_infer("small", face_tensor(grpc_client, CLASSES), callback)
        call.cancel()
        assert done.wait(30)

    def check_client_timeout(self):
        late = encoded_images(grpc_client, CLASSES)
        assert_rejected("DEADLINE_EXCEEDED", self.client.infer, "small", late, client_timeout=0.0001)

    def check_stream(self):
        results = queue.Queue()
        self.client.start_stream(lambda result, error: results.put((result, error)))
        names = CLASSES * 4
        for number, name in enumerate(names):
            inputs = face_tensor(grpc_client, [name])
            self.client.async_stream_infer("small", inputs, request_id=str(number))
        self.client.async_stream_infer("nope", face_tensor(grpc_client, ["happy"]))
        self.client.async_stream_infer(
            "small", face_tensor(grpc_client, ["sad"]), enable_empty_final_response=True
        )
        for number, name in enumerate(names):
            result, error = results.get(timeout=30)
            assert error is None, error
            assert result.get_response().id == str(number), "responses are not in order"
            assert_close(result.as_numpy("probabilities"), "small", [name])
        result, error = results.get(timeout=30)
        assert error is not None and "nope" in error.message(), error
        result, error = results.get(timeout=30)
        assert_close(result.as_numpy("probabilities"), "small", ["sad"])
        assert result.get_response().parameters["triton_final_response"].bool_param
        self.client.stop_stream()

    def check_asyncio(self):
        async def infer_all():
            async with grpc_aio.InferenceServerClient(ARGUMENTS.grpc) as client:
                assert await client.is_server_ready()
                calls = [client.infer("small", face_tensor(grpc_client, [name])) for name in CLASSES]
                for name, result in zip(CLASSES, await asyncio.gather(*calls)):
                    assert_close(result.as_numpy("probabilities"), "small", [name])

        asyncio.run(infer_all())

    def check_typed_contents(self):
        import grpc
        from tritonclient.grpc import service_pb2, service_pb2_grpc

        stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(ARGUMENTS.grpc))
        request = service_pb2.ModelInferRequest(model_name="small")
        face = request.inputs.add(name="image", datatype="UINT8", shape=[1, 1, 48, 48])
        face.contents.uint_contents.extend(gray("happy").flatten().tolist())
        result = grpc_client.InferResult(stub.ModelInfer(request))
        assert_close(result.as_numpy("probabilities"), "small", ["happy"])
        request = service_pb2.ModelInferRequest(model_name="small")
        encoded = request.inputs.add(name="image", datatype="BYTES", shape=[1])
        encoded.contents.bytes_contents.append(image_file("happy"))
        result = grpc_client.InferResult(stub.ModelInfer(request))
        assert_close(result.as_numpy("probabilities"), "small", ["happy"])

    def check_standard_health(self):
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(ARGUMENTS.grpc))
        serving = health_pb2.HealthCheckResponse.SERVING
        for service in ["", "inference.GRPCInferenceService"]:
            request = health_pb2.HealthCheckRequest(service=service)
            assert stub.Check(request).status == serving
            watch = stub.Watch(request)
            assert next(watch).status == serving
            watch.cancel()

    def check_reflection(self):
        import grpc
        from google.protobuf.descriptor_pool import DescriptorPool
        from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
            ProtoReflectionDescriptorDatabase,
        )

        database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(ARGUMENTS.grpc))
        assert {"inference.GRPCInferenceService", "grpc.health.v1.Health"} <= set(database.get_services())
        service = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
        assert "ModelInfer" in service.methods_by_name


def run(suite):
    """Runs all checks of a suite, prints a line for each, and returns the number of failures."""
    failed = 0
    for name in sorted(name for name in dir(suite) if name.startswith("check_")):
        label = f"{type(suite).__name__.lower():4} {name.removeprefix('check_').replace('_', ' ')}"
        try:
            getattr(suite, name)()
            print(f"{label}: ok")
        except Exception:  # noqa: BLE001 - continue with the other checks
            failed += 1
            print(f"{label}: FAILED\n{traceback.format_exc()}")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", default="127.0.0.1:8080", help="HTTP address of the server")
    parser.add_argument("--grpc", default="127.0.0.1:8081", help="gRPC address of the server")
    ARGUMENTS = parser.parse_args()
    failures = run(Http(http_client.InferenceServerClient(ARGUMENTS.http, concurrency=8)))
    failures += run(Grpc(grpc_client.InferenceServerClient(ARGUMENTS.grpc)))
    print(f"{failures} failed" if failures else "all passed")
    sys.exit(min(failures, 1))
