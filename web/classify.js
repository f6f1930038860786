// Sends pictures to be classified, in forms of a few each.

import { Problem, query, request } from './api.js'

const AT_ONCE = 8

/** Classifies `files` and calls `settle(index, answer)` for each: `{prediction, model, version, timing}` or `{problem}`. */
export async function classify(files, model, settle) {
  for (let start = 0; start < files.length; start += AT_ONCE) {
    const part = files.slice(start, start + AT_ONCE)
    const answers = await classifyPart(part, model)
    answers.forEach((answer, index) => settle(start + index, answer))
  }
}

async function classifyPart(files, model) {
  try {
    return await send(files, model)
  } catch (problem) {
    // One picture may have spoiled it for the others: a form too large, or none of them readable.
    const spoiled = files.length > 1 && [400, 413].includes(problem.status)
    if (!spoiled) return files.map(() => ({ problem }))
    return Promise.all(files.map((file) => send([file], model).then(([answer]) => answer, (problem) => ({ problem }))))
  }
}

async function send(files, model) {
  const form = new FormData()
  for (const file of files) form.append('image', file, file.name || 'picture')
  const response = await request(query('v1/classify', model), { method: 'POST', body: form })
  const timing = serverTiming(response.headers.get('server-timing'))
  const body = await response.json()
  return body.predictions.map((prediction) => (prediction.error
    ? { problem: new Problem(400, prediction.error) }
    : { prediction, model: body.model, version: body.version, timing }))
}

/** `decode;dur=1.2, queue;dur=0.1` -> `{decode: 1.2, queue: 0.1}`, in milliseconds. */
function serverTiming(header) {
  const parts = (header ?? '').split(',').map((part) => /^\s*([\w-]+);dur=([\d.]+)/.exec(part))
  return Object.fromEntries(parts.filter(Boolean).map(([, name, value]) => [name, Number(value)]))
}
