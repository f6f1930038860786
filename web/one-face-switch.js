// The switch "This image is one face": selects whether images are classified as a whole or searched for faces.

import { h } from './dom.js'

export class OneFaceSwitch {
  #checkbox = h('input', { type: 'checkbox', id: 'one-face', 'aria-describedby': 'one-face-hint', onchange: () => this.#update() })
  #hint = h('small', { id: 'one-face-hint' })

  /** The switch and its hint. */
  elements = [h('label', { class: 'check', for: 'one-face' }, this.#checkbox, 'This image is one face'), this.#hint]

  /** A notice that is shown if the server has no detector. */
  notice = h('p', { class: 'notice missing-detector', role: 'status', hidden: true },
    'The face detector is not installed on this server. Each image is classified as one face. Crop each image to its face.')

  constructor() {
    this.#update()
  }

  get isOn() {
    return this.#checkbox.checked
  }

  /** Turns the switch on because the server cannot find faces. The user may turn it off again to repeat the attempt. */
  reportMissingDetector() {
    this.#checkbox.checked = true
    this.#update()
    this.notice.hidden = false
  }

  #update() {
    this.notice.hidden = true
    this.#hint.textContent = this.isOn
      ? 'The server classifies the whole image. Crop it to the face.'
      : 'Off: the server finds the faces in each image.'
  }
}
