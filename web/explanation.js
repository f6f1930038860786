// Why a face has its label: the map of what each place is worth, over the picture, for any label of the model.

import { query, request } from './api.js'
import { field, h, replace, select } from './dom.js'
import { percent } from './format.js'
import { ordered } from './labels.js'

// As the server paints its own picture: the full colour stands for the largest weight, but for no smaller one than LEAST.
const FOR = [255, 122, 0]
const AGAINST = [0, 112, 255]
const OPAQUE = 0.8
const LEAST = 0.05

/** What explains an answer: `element` for the card, `map` to lay over its picture, `close()`. `told(label)` hears of each
 * explanation that is asked for. */
export function explanation(file, { model, version, prediction }, told) {
  const map = h('canvas', { class: 'why-map', 'aria-hidden': 'true' })
  const text = h('div', { class: 'why-text', role: 'status' })
  const labels = ordered(Object.keys(prediction.probabilities))
  const list = select({ onchange: () => ask() }, labels.map((label) => [label, label]), prediction.label)
  const element = h('div', { class: 'why' }, field('Label to explain', list), text)
  let asking = null

  async function ask() {
    asking?.abort()
    const mine = new AbortController()
    asking = mine
    const label = list.value
    element.setAttribute('aria-busy', 'true')
    replace(text, h('p', { class: 'row dim' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), `Covering the face, place by place …`))
    told(label)
    try {
      const found = await fetchExplanation(file, { model, version, label }, mine.signal)
      paint(map, found)
      replace(text, describe(found))
    } catch (problem) {
      if (mine.signal.aborted) return
      clear(map)
      replace(text, h('p', { class: 'notice bad' }, problem.message), h('button', { type: 'button', class: 'small', onclick: ask }, 'Try again'))
    }
    element.setAttribute('aria-busy', 'false')
  }
  ask()
  return { element, map, close: () => asking.abort() }
}

async function fetchExplanation(file, parameters, signal) {
  const form = new FormData()
  form.append('image', file, file.name || 'picture')
  const response = await request(query('v1/explain', parameters), { method: 'POST', body: form, signal })
  return response.json()
}

/** Draws the weights as they are, a pixel each; the browser smooths them. */
function paint(canvas, { size: [height, width], weights }) {
  Object.assign(canvas, { width, height })
  const flat = weights.flat()
  const full = flat.reduce((most, weight) => Math.max(most, Math.abs(weight)), LEAST)
  const context = canvas.getContext('2d')
  const image = context.createImageData(width, height)
  flat.forEach((weight, index) => {
    const colour = weight < 0 ? AGAINST : FOR
    image.data.set([...colour, (255 * OPAQUE * Math.abs(weight)) / full], index * 4)
  })
  context.putImageData(image, 0, 0)
}

function clear(canvas) {
  canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height)
}

/** The map in words: what speaks most for the label and against it, and where. */
function describe({ label, probability, size, weights }) {
  const flat = weights.flat()
  const [high, low] = [extreme(flat, Math.max), extreme(flat, Math.min)]
  const side = ({ value, index }, name, words) => h('li', {}, h('span', { class: `swatch ${name}`, 'aria-hidden': 'true' }),
    Math.abs(value) < 0.005 ? `Nothing speaks ${words} it.` : `${where(index, size)} speaks ${words} it: covered, ${inPoints(value)} ${value > 0 ? 'less' : 'more'}.`)
  return [
    h('p', {}, h('strong', {}, label), `: ${percent(probability, 1)} with nothing covered.`),
    h('ul', { class: 'why-sides' }, side({ ...high, value: Math.max(high.value, 0) }, 'for', 'for'), side({ ...low, value: Math.min(low.value, 0) }, 'against', 'against')),
    h('p', { class: 'dim' }, 'It shows what the model looks at, not whether it is right.'),
  ]
}

function inPoints(value) {
  const number = Math.round(Math.abs(value) * 100)
  return number === 1 ? '1 point' : `${number} points`
}

function extreme(values, choose) {
  const value = values.reduce((a, b) => choose(a, b))
  return { value, index: values.indexOf(value) }
}

/** The ninth of the picture that a pixel lies in. */
function where(index, [height, width]) {
  const third = (at, length) => Math.min(2, Math.floor((3 * at) / length))
  const [row, column] = [third(Math.floor(index / width), height), third(index % width, width)]
  if (row === 1 && column === 1) return 'The middle'
  const words = [['top', '', 'bottom'][row], ['left', '', 'right'][column]]
  return `The ${words.filter(Boolean).join(' ')}`
}
