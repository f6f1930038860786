// Draws small charts as SVG. Each carries its figures as text for those who do not see it.

import { svg } from './dom.js'

const [WIDE, HEIGHT] = [480, 170]
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 10, 10, 24]

/** Pixels across a card when so many stand side by side: a chart of that width has text of the page's size. */
export function room(side = 1) {
  const main = document.getElementById('main')
  const [edge, padding] = matchMedia('(max-width: 640px)').matches ? [16, 17] : [24, 21]
  return Math.max(240, Math.floor((main.clientWidth - 2 * edge - 20 * (side - 1)) / side) - 2 * padding)
}

/** Lines over an axis of numbers or times. `series`: `[{name, points: [[x, y], ...]}]`, y null where there is none. */
export function lines({ title, series, xs, format, from = 0, atLeast = 0, xText, dots = false, to = null, width = Math.min(WIDE, room()) }) {
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y !== null)
  const top = to ?? niceTop(Math.max(atLeast, ...ys, from), from)
  const [x0, x1] = xs
  const x = (value) => LEFT + ((value - x0) / (x1 - x0 || 1)) * (width - LEFT - RIGHT)
  const y = (value) => HEIGHT - BOTTOM - ((value - from) / (top - from || 1)) * (HEIGHT - TOP - BOTTOM)
  return frame(title, width, [
    grid(from, top, y, format, width),
    xText.map(([value, text]) => svg('text', { x: x(value), y: HEIGHT - 7, 'text-anchor': value <= x0 ? 'start' : value >= x1 ? 'end' : 'middle' }, text)),
    series.map(({ points }, index) => [
      svg('path', { class: `line line-${index % 6}`, d: path(points, x, y) }),
      dots && points.map(([px, py, text]) => svg('circle', { class: `dot line-${index % 6}`, cx: x(px), cy: y(py), r: 4 }, svg('title', {}, text ?? ''))),
    ]),
  ])
}

/** Upright bars: `[[name, value], ...]`. */
export function columns({ title, bars, format, width = Math.min(WIDE, room()) }) {
  const top = niceTop(Math.max(...bars.map(([, value]) => value), 0), 0)
  const step = (width - LEFT - RIGHT) / Math.max(bars.length, 1)
  const y = (value) => HEIGHT - BOTTOM - (value / (top || 1)) * (HEIGHT - TOP - BOTTOM)
  return frame(title, width, [
    grid(0, top, y, format, width),
    bars.map(([name, value], index) => [
      svg('rect', { class: 'column', x: LEFT + index * step + step * 0.12, width: step * 0.76, y: y(value), height: Math.max(0, HEIGHT - BOTTOM - y(value)), rx: 4 },
        svg('title', {}, `${name}: ${format(value)}`)),
      svg('text', { x: LEFT + (index + 0.5) * step, y: HEIGHT - 7, 'text-anchor': 'middle' }, name),
    ]),
  ])
}

function frame(title, width, parts) {
  return svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': title }, parts)
}

function grid(from, top, y, format, width) {
  return [0, 0.5, 1].map((part) => {
    const value = from + part * (top - from)
    return [
      svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, format(value)),
    ]
  })
}

function path(points, x, y) {
  let pen = 'M'
  return points.map(([px, py]) => {
    if (py === null) { pen = 'M'; return '' }
    const step = `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`
    pen = 'L'
    return step
  }).join('')
}

/** The next of 1, 2, 4, 5, 10, 20, ... */
function niceTop(value, from) {
  const span = value - from
  if (!(span > 0)) return from + 1
  const unit = 10 ** Math.floor(Math.log10(span))
  return from + unit * [1, 2, 4, 5, 10].find((step) => step * unit >= span * 0.999)
}
