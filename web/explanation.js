// The explanation of a prediction: a saliency map over the image, for any label of the model.

import { query, request } from './api.js'
import { field, h, replace, select } from './dom.js'
import { percent } from './format.js'
import { sortLabels } from './labels.js'

// The colours and the scale are those of the PNG that the server renders: the full colour stands for the largest weight, or
// for MIN_SCALE if all weights are smaller.
const SUPPORTING = [255, 122, 0]
const OPPOSING = [0, 112, 255]
const MAX_OPACITY = 0.8
const MIN_SCALE = 0.05

/** Explains a `prediction` of a `file` by a `model` and `version`. `box` is the parameter of `/v1/explain` for a face of a photo, and
 * undefined if the whole image is the face. Returns `element` for the card, `map` to overlay on the face, and `close()`.
 * `onRequest(parameters)` is called for each requested explanation. */
export function explanation({ file, model, version, prediction, box }, onRequest) {
  const map = h('canvas', { class: 'saliency-map', 'aria-hidden': 'true' })
  const text = h('div', { class: 'explanation-text', role: 'status' })
  const labels = sortLabels(Object.keys(prediction.probabilities))
  const labelSelect = select({ onchange: () => load() }, labels.map((label) => [label, label]), prediction.label)
  const element = h('div', { class: 'explanation' }, field('Label to explain', labelSelect), text)
  let pending = null

  async function load() {
    pending?.abort()
    const current = new AbortController()
    pending = current
    const parameters = { model, version, label: labelSelect.value, box }
    element.setAttribute('aria-busy', 'true')
    replace(text, h('p', { class: 'row dim' }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), 'Masking parts of the face …'))
    onRequest(parameters)
    try {
      const result = await fetchExplanation(file, parameters, current.signal)
      paint(map, result)
      replace(text, description(result))
    } catch (problem) {
      if (current.signal.aborted) return
      clear(map)
      replace(text, h('p', { class: 'notice bad' }, problem.message),
        h('button', { type: 'button', class: 'small', onclick: load }, 'Try again'))
    }
    element.setAttribute('aria-busy', 'false')
  }
  load()
  return { element, map, close: () => pending.abort() }
}

async function fetchExplanation(file, parameters, signal) {
  const form = new FormData()
  form.append('image', file, file.name || 'image')
  const response = await request(query('v1/explain', parameters), { method: 'POST', body: form, signal })
  return response.json()
}

/** Paints one pixel per weight; the browser interpolates. */
function paint(canvas, { size: [height, width], weights }) {
  Object.assign(canvas, { width, height })
  const flat = weights.flat()
  const scale = flat.reduce((max, weight) => Math.max(max, Math.abs(weight)), MIN_SCALE)
  const context = canvas.getContext('2d')
  const image = context.createImageData(width, height)
  flat.forEach((weight, index) => {
    const color = weight < 0 ? OPPOSING : SUPPORTING
    image.data.set([...color, (255 * MAX_OPACITY * Math.abs(weight)) / scale], index * 4)
  })
  context.putImageData(image, 0, 0)
}

function clear(canvas) {
  canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height)
}

/** Describes the map in words: the areas that support and oppose the label most. */
function description({ label, probability, size, weights }) {
  const flat = weights.flat()
  const [highest, lowest] = [extreme(flat, Math.max), extreme(flat, Math.min)]
  const item = (kind, sentence) => h('li', {}, h('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), sentence)
  const effect = ({ value, index }, verb) => `Masking the ${area(index, size)} ${verb} it by ${roundedPoints(value)}.`
  return [
    h('p', {}, h('strong', {}, label), `: ${percent(probability, 1)} for the whole face.`),
    h('ul', { class: 'explanation-areas' },
      item('supporting', highest.value < 0.005 ? 'No area supports this label.' : effect(highest, 'lowers')),
      item('opposing', lowest.value > -0.005 ? 'No area opposes this label.' : effect(lowest, 'raises'))),
    h('p', { class: 'dim' }, 'The map shows which areas the model uses, not whether the label is correct.'),
  ]
}

function roundedPoints(value) {
  const number = Math.round(Math.abs(value) * 100)
  return number === 1 ? '1 point' : `${number} points`
}

function extreme(values, choose) {
  const value = values.reduce((a, b) => choose(a, b))
  return { value, index: values.indexOf(value) }
}

/** Names the ninth of the image that contains a pixel: `top left`, `middle`, `right`, ... */
function area(index, [height, width]) {
  const third = (position, length) => Math.min(2, Math.floor((3 * position) / length))
  const [row, column] = [third(Math.floor(index / width), height), third(index % width, width)]
  if (row === 1 && column === 1) return 'middle'
  return [['top', '', 'bottom'][row], ['left', '', 'right'][column]].filter(Boolean).join(' ')
}
