"""FastAPI: decoding and inference run in the thread pool, so that they do not block the event loop."""

from common import decode, response, session
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

app = FastAPI()
model = session()


def classify_image(data):
    return response(model.run(["probabilities"], {"image": decode(data)[None]})[0][0])


@app.post("/classify")
async def classify(request: Request):
    return await run_in_threadpool(classify_image, await request.body())
