// The seven expressions: their order, their colours (in charts.css), and an icon for each.

import { svg } from './dom.js'

export const LABELS = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise']

const EYES = 'M16 20v2M32 20v2'
// SVG paths in a square of 48: eyebrows, eyes, mouth.
const ICON_PATHS = {
  angry: ['M12 15l8 4M36 15l-8 4', EYES, 'M16 35c4-4 12-4 16 0'],
  disgust: ['M12 17l8 1M36 14l-8 3', EYES, 'M15 34c3-4 6 2 9-1s6 1 9-3'],
  fear: ['M12 17l7-4M36 17l-7-4', 'M16 20v3M32 20v3', 'M17 35c2-5 4 1 7-2s5 3 7-1'],
  happy: ['', 'M13 21c1-3 6-3 7 0M28 21c1-3 6-3 7 0', 'M14 29c3 8 17 8 20 0'],
  neutral: ['', EYES, 'M16 33h16'],
  sad: ['M12 18l7-4M36 18l-7-4', 'M16 22v2M32 22v2', 'M16 36c3-6 13-6 16 0'],
  surprise: ['M12 13c2-2 5-2 7 0M29 13c2-2 5-2 7 0', 'M16 20v3M32 20v3', 'M24 30a4 5 0 1 1 0 10a4 5 0 1 1 0-10'],
}

/** Returns the CSS class that sets the colour of a label. All labels of other models share one colour. */
export const labelColor = (label) => (ICON_PATHS[label] ? `label-${label}` : 'label-other')

/** Returns the icon of a label, or null for a label of another model. */
export function faceIcon(label, size = 24) {
  const paths = ICON_PATHS[label]
  if (!paths) return null
  return svg('svg', { viewBox: '0 0 48 48', width: size, height: size, class: `face-icon ${labelColor(label)}`, 'aria-hidden': 'true' },
    svg('circle', { cx: 24, cy: 24, r: 21 }),
    svg('path', { d: paths.join('') }))
}

/** Sorts labels in the order of `LABELS`. Labels of other models come last, in their original order. */
export function sortLabels(labels) {
  const rank = (label) => (LABELS.includes(label) ? LABELS.indexOf(label) : LABELS.length)
  return [...labels].sort((a, b) => rank(a) - rank(b))
}
