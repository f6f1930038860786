// The reliability diagram: accuracy by confidence, in 15 bins; the diagonal is a model that is exactly as sure as it is right.

import { h, svg } from './dom.js'
import { count, percent } from './format.js'
import { table } from './parts.js'

const [SIDE, LEFT, TOP, BOTTOM, BELOW] = [320, 40, 8, 30, 46]

export function reliability(bins) {
  const most = Math.max(...bins.map(({ images }) => images), 1)
  const total = bins.reduce((sum, { images }) => sum + images, 0)
  const x = (value) => LEFT + value * (SIDE - LEFT - 8)
  const y = (value) => TOP + (1 - value) * (SIDE - TOP - BOTTOM - BELOW)
  const floor = SIDE - BOTTOM
  const bar = ({ lower, upper, images, accuracy, confidence }) => images > 0 && svg('g', {},
    svg('title', {}, `${percent(lower, 0)} to ${percent(upper, 0)} sure: ${count(images)} images, ${percent(accuracy, 1)} right, ${percent(confidence, 1)} sure on average`),
    svg('rect', { class: 'column', x: x(lower) + 1, width: x(upper) - x(lower) - 2, y: y(Math.min(accuracy, confidence)), height: y(0) - y(Math.min(accuracy, confidence)) }),
    svg('rect', { class: confidence > accuracy ? 'gap over' : 'gap', x: x(lower) + 1, width: x(upper) - x(lower) - 2, y: y(Math.max(accuracy, confidence)), height: Math.abs(y(accuracy) - y(confidence)) }),
    svg('rect', { class: 'share', x: x(lower) + 1, width: x(upper) - x(lower) - 2, y: floor - (images / most) * (BELOW - 12), height: (images / most) * (BELOW - 12) }))
  const text = (px, py, anchor, words) => svg('text', { x: px, y: py, 'text-anchor': anchor }, words)
  const ticks = [0, 0.5, 1]
  const drawing = svg('svg', { class: 'chart reliability', viewBox: `0 0 ${SIDE} ${SIDE}`, role: 'img', 'aria-label': `Accuracy by confidence of ${count(total)} images; the table below has the figures` },
    ticks.map((tick) => svg('line', { class: 'grid', x1: LEFT, x2: SIDE - 8, y1: y(tick), y2: y(tick) })),
    ticks.map((tick) => text(LEFT - 7, y(tick) + 4, 'end', percent(tick, 0))),
    ticks.map((tick) => text(x(tick), SIDE - 14, tick === 0 ? 'start' : tick === 1 ? 'end' : 'middle', percent(tick, 0))),
    svg('line', { class: 'diagonal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    bins.map(bar),
    text(x(0.5), SIDE - 1, 'middle', 'how sure it is; below, how many images'))
  return [
    drawing,
    h('p', { class: 'dim' }, 'Blue: how often it is right; pale where it is right more often than it is sure. Red: by how much it is too sure.'),
    h('details', {}, h('summary', {}, 'Figures'), table(['Sure', 'Images', 'Right', 'Sure on average'], bins.filter(({ images }) => images > 0).map((bin) => [
      `${percent(bin.lower, 0)} to ${percent(bin.upper, 0)}`, count(bin.images), percent(bin.accuracy, 1), percent(bin.confidence, 1)]))),
  ]
}
