// The parts of a card that show a prediction: the label, a bar per probability, and the inference time.

import { h } from './dom.js'
import { percent } from './format.js'
import { faceIcon, labelColor, sortLabels } from './labels.js'

/** The label and its confidence, above a bar per probability. */
export function predictionBars(prediction) {
  return [topPrediction(prediction), probabilityBars(prediction)]
}

function topPrediction({ label, confidence }) {
  return h('p', { class: 'top-prediction' }, faceIcon(label, 30),
    h('span', { data: { role: 'label' } }, label), h('span', { class: 'dim' }, percent(confidence, 1)))
}

function probabilityBars({ label, probabilities }) {
  const rows = sortLabels(Object.keys(probabilities)).map((name) => {
    const width = `${(probabilities[name] * 100).toFixed(1)}%`
    const top = name === label ? 'top-label' : ''
    return [
      h('dt', { class: top }, name),
      h('dd', {},
        h('span', { class: `track ${labelColor(name)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
        h('span', { class: `number ${top}` }, percent(probabilities[name], 1))),
    ]
  })
  return h('dl', { class: 'bars' }, rows)
}

/** The time is that of the model alone, for all images of the request; the server does not measure single images of a batch. */
export function modelAndTime({ model, version, timing, images }) {
  const request = images > 1 ? `, ${images} images` : ''
  const time = timing.inference === undefined ? '' : ` · ${timing.inference.toFixed(1)} ms inference${request}`
  return `${model} v${version}${time}`
}
