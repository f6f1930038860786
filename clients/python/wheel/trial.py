"""Starts `mien serve` of an installed wheel and classifies a photo with its client.

python3 trial.py PROGRAM PHOTO
"""

import json
import subprocess
import sys

from mien import Client


def main(program: str, photo: str) -> None:
    command = [program, "serve", "--addr=127.0.0.1:0", "--state=memory", "--tune=off", "--log-format=json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            events = (json.loads(line) for line in server.stderr)
            url = next(event["url"] for event in events if event["message"] == "serving")
            with Client(url) as client:
                [face] = client.faces(photo).faces
                student = client.faces(photo, model="student").faces[0]
                print("the wheel serves", [model.name for model in client.models()], face.label, student.label)
        finally:
            server.kill()
    if (face.label, student.label) != ("happy", "happy"):
        sys.exit("the labels of the photo are wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])
