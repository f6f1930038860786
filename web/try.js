// The view "Try": classifies images that the user drops, pastes, selects or takes with the camera.

import { Camera } from './camera.js'
import { classify } from './classify.js'
import { classifyCommand, explainCommand } from './curl.js'
import { h, replace } from './dom.js'
import { acceptFiles } from './drop.js'
import { faceIcon, LABELS } from './labels.js'
import { ModelSelect } from './model-select.js'
import { predictionCard } from './prediction-card.js'

let results = null
let modelSelect = null
let curl = null
let shown = new AbortController()

export function show(section) {
  if (!results) build(section)
  hide()
  shown = new AbortController()
  modelSelect.follow(shown.signal)
}

export function hide() {
  shown.abort()
}

function build(section) {
  modelSelect = new ModelSelect()
  results = h('div', { class: 'results', id: 'results', role: 'region', 'aria-live': 'polite', 'aria-label': 'Predictions' })
  curl = h('div', { class: 'curl', hidden: true })
  const cameraBox = h('div', {})
  const camera = new Camera(cameraBox, (file) => classifyFiles([file]))
  const input = h('input', {
    type: 'file', id: 'images', accept: 'image/*', multiple: true, class: 'visually-hidden', tabindex: '-1', 'aria-label': 'Images',
    onchange: () => { classifyFiles([...input.files]); input.value = '' },
  })
  const dropZone = h('div', { class: 'drop-zone', id: 'drop-zone' },
    h('div', { class: 'icons', 'aria-hidden': 'true' }, LABELS.map((label) => faceIcon(label, 34))),
    h('strong', {}, 'Drop images of faces here'),
    h('p', {}, 'or paste an image. Crop each image to one face. Size and colour do not matter.'),
    input,
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'primary', id: 'choose', onclick: () => input.click() }, 'Choose images'),
      camera.button),
    cameraBox)
  acceptFiles(dropZone, classifyFiles)
  replace(section,
    h('h1', { tabindex: '-1' }, 'Classify facial expressions'),
    h('p', { class: 'lead' }, 'Images are sent to this server only. It does not store them.'),
    h('div', { class: 'try' }, dropZone, h('aside', { class: 'card stack', 'aria-label': 'Model' }, modelSelect.elements)),
    results, curl)
}

/** Classifies files and shows a card for each, the newest first. */
function classifyFiles(files) {
  if (!files.length) return
  const cards = files.map(createCard)
  results.prepend(...cards.map((card) => card.element))
  reveal(cards[0])
  send(files, (index, result) => {
    cards[index].show(result)
    // The result makes the card taller.
    if (index === 0) reveal(cards[0])
  })
}

function createCard(file) {
  const card = predictionCard(file, {
    onExplain: (parameters) => showCommand(explainCommand(file, parameters)),
    onRetry: () => send([file], (_, result) => card.show(result)),
  })
  return card
}

/** Classifies files with the selected model. */
function send(files, onResult) {
  const model = modelSelect.value()
  showCommand(classifyCommand(files, model))
  classify(files, model, onResult)
}

/** Scrolls until the whole card is visible. On a phone the cards are below the fold. */
function reveal({ element }) {
  const isReduced = matchMedia('(prefers-reduced-motion: reduce)').matches
  element.scrollIntoView({ block: 'nearest', behavior: isReduced ? 'instant' : 'smooth' })
}

function showCommand(command) {
  replace(curl, command)
  curl.hidden = false
}
