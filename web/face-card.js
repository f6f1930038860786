// The card of one face of a photo.

import { cropCanvas } from './crop.js'
import { h } from './dom.js'
import { explainToggle } from './explain-toggle.js'
import { percent } from './format.js'
import { predictionBars } from './prediction.js'

/** Creates the card of `face`, which has the number `number` in the photo. `photo` has the `file`, its `image` element, the
 * `width` that boxes refer to, and the `model` and `version` of the prediction. `onExplain(parameters)` is called for each
 * explanation that the user requests. Returns `element` and `close()`, which cancels a running request. */
export function faceCard(face, number, photo, onExplain) {
  const { file, image, width, model, version } = photo
  const name = `face ${number} of ${image.alt}`
  const frame = h('div', { class: 'image-frame', 'aria-hidden': 'true' }, cropCanvas(image, width, face.box))
  const body = h('div', {}, predictionBars(face))
  const element = h('article', { class: 'prediction', 'aria-label': name, tabindex: '-1' }, frame, body)
  const subject = { file, model, version, prediction: face, box: boxParameter(face.box) }
  const toggle = explainToggle({ element, frame, body }, { name, subject, onExplain })
  element.append(h('footer', {}, h('span', { class: 'dim' }, description(face, number)), toggle.button))
  return { element, close: toggle.close }
}

const boxParameter = ({ x, y, width, height }) => [x, y, width, height].join()

function description({ quality, score }, number) {
  return `Face ${number} · ${Math.round(quality.size)} px · detection score ${percent(score, 0)}`
}
