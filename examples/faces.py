"""Finds and classifies the faces in photos with a running server, and prints one CSV line per face.

python3 faces.py http://127.0.0.1:8080 PHOTO...
"""

import csv
import sys
import time

import requests

# The server returns at most 256 faces per request by default, of which each photo has an equal share.
PHOTOS_PER_REQUEST = 4
# Number of times that an overloaded server gets a request again.
RETRIES = 10


def find_faces(session, base, photos):
    """Returns the result of each photo, or the error of the request."""
    files = [("image", (path, content)) for path, content in photos]
    for _ in range(RETRIES):
        response = session.post(f"{base}/v1/faces", files=files, timeout=60)
        if response.status_code != 503 or "Retry-After" not in response.headers:
            break
        time.sleep(int(response.headers["Retry-After"]))
    body = response.json()
    if response.ok:
        return body["images"]
    # If no photo can be decoded, the request fails.
    return [{"error": body}] * len(photos)


def main(base, paths):
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "x", "y", "width", "height", "label", "confidence", "error"])
    with requests.Session() as session:
        for start in range(0, len(paths), PHOTOS_PER_REQUEST):
            photos = []
            for path in paths[start : start + PHOTOS_PER_REQUEST]:
                with open(path, "rb") as file:
                    photos.append((path, file.read()))
            for (path, _), result in zip(photos, find_faces(session, base, photos)):
                if "error" in result:
                    writer.writerow([path, "", "", "", "", "", "", result["error"]["detail"]])
                for face in result.get("faces", []):
                    box = [round(face["box"][key], 1) for key in ("x", "y", "width", "height")]
                    writer.writerow([path, *box, face["label"], face["confidence"], ""])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/"), sys.argv[2:])
