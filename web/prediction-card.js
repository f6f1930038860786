// The card of one image: its label, a bar per probability, the inference time, and the explanation.

import { h, replace, svg } from './dom.js'
import { explanation } from './explanation.js'
import { percent } from './format.js'
import { faceIcon, labelColor, sortLabels } from './labels.js'

// Errors that depend on the image alone.
const IMAGE_ERRORS = [400, 413, 415]

/** Creates the card of a file. `show(result)` fills it in. `onExplain(parameters)` is called for each explanation that the user
 * requests, `onRetry()` if the user wants to classify the image again after an error. */
export function predictionCard(file, { onExplain, onRetry }) {
  const name = file.name || 'image'
  const url = URL.createObjectURL(file)
  const image = h('img', { src: url, alt: name })
  const frame = h('div', { class: 'image-frame' }, image)
  const body = h('div', {})
  const footer = h('footer', {})
  const element = h('article', { class: 'card prediction', 'aria-label': name, tabindex: '-1' }, frame, body, footer)
  image.addEventListener('error', () => image.replaceWith(brokenImage()))
  showSpinner()

  function showSpinner() {
    element.setAttribute('aria-busy', 'true')
    replace(body, h('p', { class: 'top-prediction' },
      h('span', { class: 'spinner', 'aria-hidden': 'true' }), h('span', { class: 'dim' }, 'Classifying …')))
    footer.hidden = true
  }

  function show(result) {
    element.setAttribute('aria-busy', 'false')
    footer.hidden = false
    const close = h('button', { type: 'button', class: 'small quiet', 'aria-label': `Remove ${name}`, onclick: () => {
      opened?.close()
      URL.revokeObjectURL(url)
      element.remove()
    } }, 'Remove')
    if (result.problem) return showProblem(result.problem, close)
    replace(body, topPrediction(result.prediction), probabilityBars(result.prediction))
    const explain = h('button', { type: 'button', class: 'small', 'aria-expanded': 'false', 'aria-label': `Explain ${name}`,
      onclick: () => toggleExplanation(explain, result) }, 'Explain')
    replace(footer, h('span', { class: 'dim', title: name }, modelAndTime(result)), explain, close)
  }

  function showProblem({ message, status }, close) {
    replace(body, h('p', { class: 'top-prediction' }, 'Not classified'), h('p', { class: 'notice bad', role: 'alert' }, message))
    const retry = h('button', { type: 'button', class: 'small', 'aria-label': `Try again: ${name}`, onclick: () => {
      showSpinner()
      // The focused button is hidden.
      element.focus()
      onRetry()
    } }, 'Try again')
    replace(footer, h('span', { class: 'dim' }, name), !IMAGE_ERRORS.includes(status) && retry, close)
  }

  let opened = null
  function toggleExplanation(button, result) {
    if (opened) {
      opened.close()
      opened.map.remove()
      opened.element.remove()
      opened = null
    } else {
      const { model, version } = result
      opened = explanation(file, result, (label) => onExplain({ model, version, label }))
      frame.append(opened.map)
      body.after(opened.element)
    }
    element.classList.toggle('explained', opened !== null)
    button.setAttribute('aria-expanded', String(opened !== null))
  }
  return { element, show }
}

/** A crossed-out sheet, shown if the browser cannot decode the file. */
function brokenImage() {
  return svg('svg', { viewBox: '0 0 24 24', class: 'broken-image', 'aria-hidden': 'true' },
    svg('path', { d: 'M7 4h7l4 4v12H7zM14 4v4h4M10 13l5 5M15 13l-5 5' }))
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
function modelAndTime({ model, version, timing, images }) {
  const request = images > 1 ? `, ${images} images` : ''
  const time = timing.inference === undefined ? '' : ` · ${timing.inference.toFixed(1)} ms inference${request}`
  return `${model} v${version}${time}`
}
