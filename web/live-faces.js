// The faces of a live video: boxes over the video, and bars with the smoothed probabilities.

import { boxStyle } from './face-boxes.js'
import { h, replace } from './dom.js'
import { count } from './format.js'
import { predictionBars } from './prediction.js'

// Maximum number of faces with bars; all faces have boxes.
const MAX_BARS = 4

/** Creates the overlay for the frame of a mirrored video and the list of faces. */
export class LiveFaces {
  /** The boxes. */
  overlay = h('div', { class: 'live-boxes', 'aria-hidden': 'true' })
  #list = h('ol', { class: 'faces live-faces', 'aria-label': 'Faces' })
  #note = h('p', { class: 'dim', id: 'live-note' }, 'Connecting …')

  /** The note and the list. */
  elements = [this.#note, this.#list]

  /** Shows the result of a frame. */
  show(result, rate) {
    if (result.error) return this.#showNote(result.error.detail)
    const { faces, width, height } = result
    replace(this.overlay, faces.map((face) => liveBox(face, width, height)))
    replace(this.#list, faces.slice(0, MAX_BARS).map(liveFace))
    const found = faces.length === 1 ? '1 face' : `${count(faces.length)} faces`
    const speed = rate === null ? '' : ` · ${rate.toFixed(1)} frames per second`
    return this.#showNote(`${found}${speed} · ${result.model} v${result.version}`)
  }

  clear() {
    replace(this.overlay)
    replace(this.#list)
    replace(this.#note)
  }

  #showNote(text) {
    replace(this.#note, text)
  }
}

function liveBox({ box, track, smoothed }, width, height) {
  // The video is mirrored.
  const mirrored = { ...box, x: width - box.x - box.width }
  return h('div', { class: 'face-box', data: { track }, style: boxStyle(mirrored, width, height) },
    h('span', {}, `${track} ${smoothed.label}`))
}

function liveFace({ track, smoothed }) {
  return h('li', {}, h('article', { class: 'live-face', 'aria-label': `Face ${track}` },
    h('p', { class: 'dim' }, `Face ${track}`), predictionBars(smoothed)))
}
