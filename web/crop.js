// The square of a photo that the model sees as one face.

import { h } from './dom.js'

// Side of the square per geometric mean of the sides of the box. The server crops in the same way (faces/src/image/crop.rs).
const SIDE_PER_BOX = 1.09
// Maximum side of a canvas in px. It is the largest size at which a card shows a crop.
const MAX_SIDE = 280

/** Draws the crop around `box` on a canvas. The box is in pixels of a photo that is `photoWidth` wide; `image` may have another
 * resolution. The canvas stays transparent outside of the photo, and if the browser cannot decode the image. */
export function cropCanvas(image, photoWidth, { x, y, width, height }) {
  const side = SIDE_PER_BOX * Math.sqrt(width * height)
  const canvas = h('canvas', { class: 'crop' })
  const draw = () => {
    const scale = image.naturalWidth / photoWidth
    const size = Math.max(1, Math.min(MAX_SIDE, Math.round(side * scale)))
    Object.assign(canvas, { width: size, height: size })
    const [left, top] = [x + (width - side) / 2, y + (height - side) / 2]
    const context = canvas.getContext('2d')
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, left * scale, top * scale, side * scale, side * scale, 0, 0, size, size)
  }
  image.decode().then(draw, () => {})
  return canvas
}
