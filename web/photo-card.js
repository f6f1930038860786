// The card of a photo: boxes around its faces, and a list of the faces.

import { h } from './dom.js'
import { faceBoxes, linkHighlights } from './face-boxes.js'
import { faceCard } from './face-card.js'
import { fileCard } from './file-card.js'
import { count, percent } from './format.js'
import { modelAndTime } from './prediction.js'

/** Creates the card of a photo. `show(result)` fills it in. `onExplain(parameters)` is called for each explanation that the user
 * requests, `onRetry()` if the user wants to send the photo again after an error, and `onOneFace()` if the user says that a photo
 * without a found face is one face. `replaceWith(card)` removes this card from the page in favour of another one. */
export function photoCard(file, { onExplain, onRetry, onOneFace }) {
  let faces = []
  const card = fileCard(file, {
    kind: 'photo', onRetry: () => { showSpinner(); onRetry() }, onRemove: () => faces.forEach((face) => face.close()),
  })
  // The photo stays in view while the user scrolls the list of faces next to it.
  const column = h('div', {})
  card.frame.replaceWith(column)
  column.append(card.frame)
  const showSpinner = () => card.showSpinner('Finding faces …')
  const setRatio = (width, height) => card.frame.style.setProperty('--ratio', width / height)
  card.image.addEventListener('load', () => setRatio(card.image.naturalWidth, card.image.naturalHeight))
  showSpinner()

  function show(result) {
    if (result.problem) return card.showProblem(result.problem)
    const { prediction, model, version } = result
    setRatio(prediction.width, prediction.height)
    const photo = { file, image: card.image, width: prediction.width, model, version }
    faces = prediction.faces.map((face, index) => faceCard(face, index + 1, photo, onExplain))
    const boxes = faceBoxes(prediction, (index) => boxName(prediction.faces[index], index + 1), (index) => faces[index].element.focus())
    boxes.forEach((box, index) => linkHighlights(box, faces[index].element))
    card.frame.append(...boxes)
    card.showResult({ content: faces.length ? faceList(faces) : noFace(onOneFace), note: modelAndTime(result) })
  }
  return { element: card.element, show, replaceWith: card.replaceWith }
}

const boxName = ({ label, confidence }, number) => `Face ${number}: ${label}, ${percent(confidence, 1)}`

function faceList(faces) {
  return [
    h('h2', {}, faces.length === 1 ? '1 face' : `${count(faces.length)} faces`),
    h('ol', { class: 'faces' }, faces.map(({ element }) => h('li', {}, element))),
  ]
}

function noFace(onOneFace) {
  return [
    h('h2', {}, 'No face found'),
    h('p', { class: 'dim' }, 'The detector needs a photo of a face with some space around it. An image that is cropped to one face can be classified without the detector.'),
    h('button', { type: 'button', class: 'one-face', onclick: onOneFace }, 'This image is one face'),
  ]
}
