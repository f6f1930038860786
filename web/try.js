// Try: pictures in by drop, paste, choice or camera; answers out.

import { openCamera } from './camera.js'
import { answerCard } from './answer.js'
import { classify } from './classify.js'
import { classifyLine, explainLine } from './curl.js'
import { h, replace } from './dom.js'
import { glyph, LABELS } from './labels.js'
import { ModelChoice } from './model-choice.js'

let results = null
let choice = null
let curl = null

export function show(section) {
  if (!results) build(section)
  choice.refresh()
}

function build(section) {
  choice = new ModelChoice()
  results = h('div', { class: 'results', id: 'results', role: 'region', 'aria-live': 'polite', 'aria-label': 'Answers' })
  curl = h('div', { class: 'curl', hidden: true })
  const camera = h('div', {})
  const input = h('input', {
    type: 'file', id: 'pictures', accept: 'image/*', multiple: true, class: 'unseen', tabindex: '-1', 'aria-label': 'Pictures',
    onchange: () => { take([...input.files]); input.value = '' },
  })
  const drop = h('div', { class: 'drop', id: 'drop' },
    h('div', { class: 'faces', 'aria-hidden': 'true' }, LABELS.map((label) => glyph(label, 34))),
    h('strong', {}, 'Drop faces here'),
    h('p', {}, 'or paste a picture. One face each, cut out; any size and colour.'),
    input,
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'primary', id: 'choose', onclick: () => input.click() }, 'Choose pictures'),
      navigator.mediaDevices && h('button', { type: 'button', onclick: () => openCamera(camera, (file) => take([file])) }, 'Use the camera')),
    camera)
  acceptDrops(drop)
  addEventListener('paste', (event) => { if (!section.hidden && event.clipboardData.files.length) take([...event.clipboardData.files]) })
  replace(section,
    h('h1', { tabindex: '-1' }, 'What is the look on a face?'),
    h('p', { class: 'lead' }, 'Pictures go to this server and nowhere else; it keeps none of them.'),
    h('div', { class: 'try' }, drop, h('aside', { class: 'card stack', 'aria-label': 'Model' }, choice.element)),
    results, curl)
}

/** Files may be dropped anywhere on the page; the zone shows where. */
function acceptDrops(drop) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes('Files')
  const hidden = () => drop.closest('section').hidden
  let depth = 0
  addEventListener('dragenter', (event) => { if (holdsFiles(event)) { depth += 1; drop.classList.add('over') } })
  addEventListener('dragleave', (event) => { if (holdsFiles(event) && --depth <= 0) drop.classList.remove('over') })
  addEventListener('dragover', (event) => { if (holdsFiles(event)) event.preventDefault() })
  addEventListener('drop', (event) => {
    if (!holdsFiles(event)) return
    event.preventDefault()
    depth = 0
    drop.classList.remove('over')
    if (!hidden()) take([...event.dataTransfer.files])
  })
}

/** Classifies files and shows each with its answer, the newest first. */
function take(files) {
  if (!files.length) return
  const model = choice.chosen()
  const cards = files.map((file) => answerCard(file, (parameters) => say(explainLine(file, parameters))))
  results.prepend(...cards.map((card) => card.element))
  say(classifyLine(files, model))
  classify(files, model, (index, answer) => cards[index].settle(answer))
}

/** Shows the command line of what has just been done. */
function say(line) {
  replace(curl, line)
  curl.hidden = false
}
