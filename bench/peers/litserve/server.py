"""LitServe: dynamic batches of up to 8 images; one worker per core."""

import os

import litserve
import numpy as np
from common import decode, response, session
from fastapi import Request


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = session()

    def decode_request(self, request: Request):
        # LitServe accepts a form, but not an image as the body.
        return decode(request["image"].file.read())

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, batch):
        return self.model.run(["probabilities"], {"image": batch})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, row):
        return response(row)


if __name__ == "__main__":
    api = Api(max_batch_size=8, batch_timeout=0.002, api_path="/classify")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=os.cpu_count())
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
