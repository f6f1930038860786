// The numbered boxes around the faces of a photo.

import { h } from './dom.js'

/** A button per face, for the frame of the photo. The sizes are relative, so that the boxes scale with the photo.
 * `name(index)` is the accessible name of a face, and `onSelect(index)` is called if the user selects a box. */
export function faceBoxes({ width, height, faces }, name, onSelect) {
  return faces.map(({ box }, index) => h('button', {
    type: 'button', class: 'face-box', 'aria-label': name(index), onclick: () => onSelect(index), style: boxStyle(box, width, height),
  }, h('span', { 'aria-hidden': 'true' }, index + 1)))
}

/** The CSS position and size of the visible part of a box in a photo of `width` x `height` pixels. */
export function boxStyle(box, width, height) {
  const [left, boxWidth] = visibleShare(box.x, box.width, width)
  const [top, boxHeight] = visibleShare(box.y, box.height, height)
  return { left, top, width: boxWidth, height: boxHeight }
}

/** Start and length of the part of a box inside the photo, as CSS percentages of the side of the photo. */
function visibleShare(start, length, side) {
  const [from, to] = [start, start + length].map((edge) => Math.min(Math.max(edge / side, 0), 1))
  return [from, to - from].map((share) => `${(100 * share).toFixed(3)}%`)
}

/** Highlights both elements while the pointer or the focus is on one of them. */
export function linkHighlights(a, b) {
  const on = new Set()
  const update = (event, isOn) => {
    if (isOn) on.add(event)
    else on.delete(event)
    for (const element of [a, b]) element.classList.toggle('highlighted', on.size > 0)
  }
  for (const element of [a, b]) {
    element.addEventListener('mouseenter', () => update('pointer', true))
    element.addEventListener('mouseleave', () => update('pointer', false))
    element.addEventListener('focusin', () => update('focus', true))
    element.addEventListener('focusout', () => update('focus', false))
  }
}
