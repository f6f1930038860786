// Sends images to the routes that classify.

import { Problem, query, request } from './api.js'

// The routes, the name of the list in the response, and the number of images per request. The photos of a request share its limit
// of faces, and a photo alone has the whole limit.
const FACE_ROUTE = { path: 'v1/classify', list: 'predictions', imagesPerRequest: 8 }
const PHOTO_ROUTE = { path: 'v1/faces', list: 'images', imagesPerRequest: 1 }

/** Classifies `files`, each of which is one face, and calls `onResult(index, result)` for each; a result is
 * `{prediction, model, version, timing, images}` or `{problem}`. `timing` applies to all `images` of the request. */
export function classifyFaces(files, model, onResult) {
  return sendAll(FACE_ROUTE, files, model, onResult)
}

/** Finds the faces in `files` and classifies them. Calls `onResult` as `classifyFaces` does; `prediction` has the size of the
 * photo (`width`, `height`) and its `faces`.
 * @throws {Problem} `detector_missing` if the server cannot find faces; the remaining files then have no result */
export function classifyPhotos(files, model, onResult) {
  return sendAll(PHOTO_ROUTE, files, model, onResult)
}

async function sendAll(route, files, model, onResult) {
  const step = route.imagesPerRequest
  for (let start = 0; start < files.length; start += step) {
    const results = await sendTogether(route, files.slice(start, start + step), model)
    results.forEach((result, index) => onResult(start + index, result))
  }
}

async function sendTogether(route, files, model) {
  try {
    return await send(route, files, model)
  } catch (problem) {
    if (problem.code === 'detector_missing') throw problem
    // One image can be the reason why the whole request failed: a body that is too large, or no readable image.
    const mayBeOneImage = files.length > 1 && [400, 413].includes(problem.status)
    if (!mayBeOneImage) return files.map(() => ({ problem }))
    const sendOne = (file) => send(route, [file], model).then(([result]) => result, (problem) => ({ problem }))
    return Promise.all(files.map(sendOne))
  }
}

async function send({ path, list }, files, model) {
  const form = new FormData()
  for (const file of files) form.append('image', file, file.name || 'image')
  const response = await request(query(path, model), { method: 'POST', body: form })
  const timing = parseServerTiming(response.headers.get('server-timing'))
  const { model: name, version, [list]: predictions } = await response.json()
  const images = predictions.filter(({ error }) => !error).length
  return predictions.map((prediction) => (prediction.error
    ? { problem: new Problem(400, prediction.error) }
    : { prediction, model: name, version, timing, images }))
}

/** `queue;dur=0.1, preprocess;dur=1.2` -> `{queue: 0.1, preprocess: 1.2}`, in milliseconds. */
function parseServerTiming(header) {
  const entries = (header ?? '').split(',').map((entry) => /^\s*([\w-]+);dur=([\d.]+)/.exec(entry))
  return Object.fromEntries(entries.filter(Boolean).map(([, name, value]) => [name, Number(value)]))
}
