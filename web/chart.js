// Small charts as SVG. Each has its values as text for screen readers.

import { svg } from './dom.js'

const [MAX_WIDTH, HEIGHT] = [480, 170]
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 10, 24]

/** Returns the inner width of a card in px when `columns` cards share the content width. In a chart of this width, text has
 * the font size of the surrounding text. */
export function cardWidth(columns = 1) {
  const main = document.getElementById('main')
  const [margin, padding] = matchMedia('(max-width: 640px)').matches ? [16, 17] : [24, 21]
  return Math.max(240, Math.floor((main.clientWidth - 2 * margin - 20 * (columns - 1)) / columns) - 2 * padding)
}

/** A line chart over numbers or times. `series` is `[{name, points: [[x, y, title], ...]}]`; a line is interrupted where y
 * is null. `xLabels` is `[[x, text], ...]`. */
export function lineChart({ title, series, xRange, format, yMin = 0, yMax = null, minYMax = 0, xLabels, dots = false,
  width = Math.min(MAX_WIDTH, cardWidth()) }) {
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y !== null)
  const top = yMax ?? roundedMax(Math.max(minYMax, ...ys, yMin), yMin)
  const [x0, x1] = xRange
  const x = (value) => LEFT + ((value - x0) / (x1 - x0 || 1)) * (width - LEFT - RIGHT)
  const y = (value) => HEIGHT - BOTTOM - ((value - yMin) / (top - yMin || 1)) * (HEIGHT - TOP - BOTTOM)
  const anchor = (value) => (value <= x0 ? 'start' : value >= x1 ? 'end' : 'middle')
  return frame(title, width, [
    grid(yMin, top, y, format, width),
    xLabels.map(([value, text]) => svg('text', { x: x(value), y: HEIGHT - 7, 'text-anchor': anchor(value) }, text)),
    series.map(({ points }, index) => [
      svg('path', { class: `line line-${index % 6}`, d: linePath(points, x, y) }),
      dots && points.map(([px, py, text]) => svg('circle', { class: `dot line-${index % 6}`, cx: x(px), cy: y(py), r: 4 },
        svg('title', {}, text ?? ''))),
    ]),
  ])
}

/** A chart of vertical bars: `[[name, value], ...]`. */
export function barChart({ title, bars, format, width = Math.min(MAX_WIDTH, cardWidth()) }) {
  const top = roundedMax(Math.max(...bars.map(([, value]) => value), 0), 0)
  const step = (width - LEFT - RIGHT) / Math.max(bars.length, 1)
  const y = (value) => HEIGHT - BOTTOM - (value / (top || 1)) * (HEIGHT - TOP - BOTTOM)
  return frame(title, width, [
    grid(0, top, y, format, width),
    bars.map(([name, value], index) => [
      svg('rect', { class: 'bar', x: LEFT + index * step + step * 0.12, width: step * 0.76, y: y(value),
        height: Math.max(0, HEIGHT - BOTTOM - y(value)), rx: 4 },
        svg('title', {}, `${name}: ${format(value)}`)),
      svg('text', { x: LEFT + (index + 0.5) * step, y: HEIGHT - 7, 'text-anchor': 'middle' }, name),
    ]),
  ])
}

function frame(title, width, children) {
  return svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': title }, children)
}

function grid(yMin, yMax, y, format, width) {
  return [0, 0.5, 1].map((fraction) => {
    const value = yMin + fraction * (yMax - yMin)
    return [
      svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, format(value)),
    ]
  })
}

function linePath(points, x, y) {
  let command = 'M'
  return points.map(([px, py]) => {
    if (py === null) { command = 'M'; return '' }
    const step = `${command}${x(px).toFixed(1)} ${y(py).toFixed(1)}`
    command = 'L'
    return step
  }).join('')
}

/** Rounds the maximum of an axis up so that its range is 1, 2, 4, 5, 10, 20, ... */
function roundedMax(value, yMin) {
  const range = value - yMin
  if (!(range > 0)) return yMin + 1
  const unit = 10 ** Math.floor(Math.log10(range))
  return yMin + unit * [1, 2, 4, 5, 10].find((step) => step * unit >= range * 0.999)
}
