"""FastAPI: decoding and inference in the thread pool, so that the event loop stays free."""

from common import answer, decode, session
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

app = FastAPI()
model = session()


def work(data):
    return answer(model.run(["probabilities"], {"image": decode(data)[None]})[0][0])


@app.post("/classify")
async def classify(request: Request):
    return await run_in_threadpool(work, await request.body())
