// The parts of a card that show a prediction: the label, a bar per probability, and the times of the request.

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

/** The times are those of the detector, if any, and of the model alone, for all images of the request; the server does not measure
 * single images of a batch. */
export function modelAndTime({ model, version, timing, images }) {
  const steps = ['detection', 'inference'].filter((step) => timing[step] > 0)
  const times = steps.map((step) => `${timing[step].toFixed(1)} ms ${step}`)
  const text = [`${model} v${version}`, ...times].join(' · ')
  return times.length && images > 1 ? `${text}, ${images} images` : text
}
