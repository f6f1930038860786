// The view "Try": finds and classifies faces in images that the user drops, pastes, selects or takes with the camera.

import { Camera } from './camera.js'
import { classifyFaces, classifyPhotos } from './classify.js'
import { classifyCommand, explainCommand, facesCommand } from './curl.js'
import { h, replace } from './dom.js'
import { acceptFiles } from './drop.js'
import { faceIcon, LABELS } from './labels.js'
import { ModelSelect } from './model-select.js'
import { OneFaceSwitch } from './one-face-switch.js'
import { photoCard } from './photo-card.js'
import { predictionCard } from './prediction-card.js'

let results = null
let modelSelect = null
let oneFaceSwitch = null
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
  oneFaceSwitch = new OneFaceSwitch()
  results = h('div', { class: 'results', id: 'results', role: 'region', 'aria-live': 'polite', 'aria-label': 'Predictions' })
  curl = h('div', { class: 'curl', hidden: true })
  const settings = h('aside', { class: 'card stack', 'aria-label': 'Settings' }, modelSelect.elements, h('div', { class: 'field' }, oneFaceSwitch.elements))
  const dropZone = createDropZone(settings)
  acceptFiles(dropZone, addFiles)
  replace(section,
    h('h1', { tabindex: '-1' }, 'Classify facial expressions'),
    h('p', { class: 'lead' }, 'Images are sent to this server only. It does not store them.'),
    h('div', { class: 'try' }, dropZone, settings),
    oneFaceSwitch.notice, results, curl)
}

function createDropZone(settings) {
  const cameraBox = h('div', {})
  const camera = new Camera(cameraBox, () => ({ ...modelSelect.value(), isOneFace: oneFaceSwitch.isOn }), (file) => addFiles([file]))
  settings.addEventListener('change', () => camera.update())
  const input = h('input', {
    type: 'file', id: 'images', accept: 'image/*', multiple: true, class: 'visually-hidden', tabindex: '-1', 'aria-label': 'Images',
    onchange: () => { addFiles([...input.files]); input.value = '' },
  })
  return h('div', { class: 'drop-zone', id: 'drop-zone' },
    h('div', { class: 'icons', 'aria-hidden': 'true' }, LABELS.map((label) => faceIcon(label, 34))),
    h('strong', {}, 'Drop photos here'),
    h('p', {}, 'or paste an image. A photo can show several faces.'),
    input,
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'primary', id: 'choose', onclick: () => input.click() }, 'Choose images'),
      camera.button),
    cameraBox)
}

/** Sends files to the server and shows a card for each, the newest first. */
function addFiles(files) {
  if (!files.length) return
  const isOneFace = oneFaceSwitch.isOn
  const cards = files.map(isOneFace ? createFaceCard : createPhotoCard)
  results.prepend(...cards.map((card) => card.element))
  reveal(cards[0])
  if (isOneFace) sendFaces(files, cards)
  else sendPhotos(files, cards)
}

function createFaceCard(file) {
  const card = predictionCard(file, {
    onExplain: (parameters) => showCommand(explainCommand(file, parameters)),
    onRetry: () => sendFaces([file], [card]),
  })
  return card
}

function createPhotoCard(file) {
  const card = photoCard(file, {
    onExplain: (parameters) => showCommand(explainCommand(file, parameters)),
    onRetry: () => sendPhotos([file], [card]),
    onOneFace: () => classifyAsOneFace([file], [card]),
  })
  return card
}

/** Classifies files that are one face each with the selected model. */
function sendFaces(files, cards) {
  const model = modelSelect.value()
  showCommand(classifyCommand(files, model))
  classifyFaces(files, model, (index, result) => showResult(cards, index, result))
}

/** Classifies the faces in files with the selected model. Without a detector, the whole images are classified. */
async function sendPhotos(files, cards) {
  const model = modelSelect.value()
  showCommand(facesCommand(files, model))
  let done = 0
  try {
    await classifyPhotos(files, model, (index, result) => {
      showResult(cards, index, result)
      done = index + 1
    })
  } catch (problem) {
    if (problem.code !== 'detector_missing') throw problem
    oneFaceSwitch.reportMissingDetector()
    classifyAsOneFace(files.slice(done), cards.slice(done))
  }
}

/** Replaces the cards of photos with cards of faces. */
function classifyAsOneFace(files, photoCards) {
  const cards = files.map(createFaceCard)
  photoCards.forEach((card, index) => card.replaceWith(cards[index]))
  reveal(cards[0])
  sendFaces(files, cards)
}

function showResult(cards, index, result) {
  cards[index].show(result)
  // The result makes the card taller.
  if (index === 0) reveal(cards[0])
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
