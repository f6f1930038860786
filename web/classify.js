// Classifies images through the API, a few per request.

import { Problem, query, request } from './api.js'

const IMAGES_PER_REQUEST = 8

/** Classifies `files` and calls `onResult(index, result)` for each; a result is `{prediction, model, version, timing, images}` or
 * `{problem}`. `timing` applies to all `images` of the request. */
export async function classify(files, model, onResult) {
  for (let start = 0; start < files.length; start += IMAGES_PER_REQUEST) {
    const results = await classifyTogether(files.slice(start, start + IMAGES_PER_REQUEST), model)
    results.forEach((result, index) => onResult(start + index, result))
  }
}

async function classifyTogether(files, model) {
  try {
    return await send(files, model)
  } catch (problem) {
    // One image can be the reason why the whole request failed: a body that is too large, or no readable image.
    const mayBeOneImage = files.length > 1 && [400, 413].includes(problem.status)
    if (!mayBeOneImage) return files.map(() => ({ problem }))
    const classifyOne = (file) => send([file], model).then(([result]) => result, (problem) => ({ problem }))
    return Promise.all(files.map(classifyOne))
  }
}

async function send(files, model) {
  const form = new FormData()
  for (const file of files) form.append('image', file, file.name || 'image')
  const response = await request(query('v1/classify', model), { method: 'POST', body: form })
  const timing = parseServerTiming(response.headers.get('server-timing'))
  const { model: name, version, predictions } = await response.json()
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
