// The reliability diagram: accuracy by confidence in 15 bins. On the diagonal, accuracy equals confidence.

import { table } from './components.js'
import { h, svg } from './dom.js'
import { count, percent } from './format.js'

// The size in px, and the height of the histogram of images below the diagram.
const [SIZE, LEFT, RIGHT, TOP, BOTTOM, HISTOGRAM] = [320, 40, 8, 8, 30, 46]

export function reliabilityDiagram(bins) {
  const nonEmpty = bins.filter(({ images }) => images > 0)
  const total = nonEmpty.reduce((sum, { images }) => sum + images, 0)
  return [
    diagram(nonEmpty, total),
    h('p', { class: 'dim' }, 'Blue: accuracy. Pale blue: accuracy is higher than confidence. Red: confidence is higher than accuracy.'),
    h('details', {}, h('summary', {}, 'Values'), table('Calibration', ['Confidence', 'Images', 'Accuracy', 'Mean confidence'], nonEmpty.map((bin) => [
      binRange(bin), count(bin.images), percent(bin.accuracy, 1), percent(bin.confidence, 1)]))),
  ]
}

function diagram(bins, total) {
  const maxImages = Math.max(...bins.map(({ images }) => images), 1)
  const x = (value) => LEFT + value * (SIZE - LEFT - RIGHT)
  const y = (value) => TOP + (1 - value) * (SIZE - TOP - BOTTOM - HISTOGRAM)
  const floor = SIZE - BOTTOM
  const column = (bin) => {
    const { images, accuracy, confidence } = bin
    const [low, high] = [Math.min(accuracy, confidence), Math.max(accuracy, confidence)]
    const rect = (kind, top, bottom) => svg('rect',
      { class: kind, x: x(bin.lower) + 1, width: x(bin.upper) - x(bin.lower) - 2, y: top, height: bottom - top })
    return svg('g', {},
      svg('title', {}, `Confidence ${binRange(bin)}: ${count(images)} images, accuracy ${percent(accuracy, 1)}, mean confidence ${percent(confidence, 1)}`),
      rect('bar', y(low), y(0)),
      rect(confidence > accuracy ? 'gap overconfident' : 'gap', y(high), y(low)),
      rect('histogram', floor - (images / maxImages) * (HISTOGRAM - 12), floor))
  }
  const text = (px, py, anchor, content) => svg('text', { x: px, y: py, 'text-anchor': anchor }, content)
  const anchor = (tick) => (tick === 0 ? 'start' : tick === 1 ? 'end' : 'middle')
  const ticks = [0, 0.5, 1]
  return svg('svg', { class: 'chart reliability', viewBox: `0 0 ${SIZE} ${SIZE}`, role: 'img',
    'aria-label': `Accuracy by confidence of ${count(total)} images; the table below has the values` },
  ticks.map((tick) => svg('line', { class: 'grid', x1: LEFT, x2: SIZE - RIGHT, y1: y(tick), y2: y(tick) })),
  ticks.map((tick) => text(LEFT - 7, y(tick) + 4, 'end', percent(tick, 0))),
  ticks.map((tick) => text(x(tick), SIZE - 14, anchor(tick), percent(tick, 0))),
  svg('line', { class: 'diagonal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
  bins.map(column),
  text(x(0.5), SIZE - 1, 'middle', 'confidence (gray: number of images)'))
}

function binRange({ lower, upper }) {
  return `${percent(lower, 0)} to ${percent(upper, 0)}`
}
