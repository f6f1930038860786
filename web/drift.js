// Drift: how the images of clients differ from those of the evaluation of a version.

import { table } from './components.js'
import { h, svg } from './dom.js'
import { count, dateTime, decimal, percent, threeDigits } from './format.js'

const STATUSES = {
  no_reference: ['no reference', ''],
  collecting: ['collecting', ''],
  stable: ['no drift', 'good'],
  drift: ['drift', 'bad'],
}

/** A badge for a version whose images drift. */
export function driftBadge(drift) {
  return drift?.status === 'drift' && h('span', { class: 'badge bad' }, 'drift')
}

export function driftPanel({ status, reference, window_images: images, window_size: size, windows, compared_at: comparedAt, features }) {
  const [text, kind] = STATUSES[status] ?? [status, '']
  return h('div', { class: 'drift' },
    h('div', { class: 'row' }, h('h3', { class: 'plain' }, 'Drift'), h('span', { class: `badge ${kind}` }, text)),
    h('p', { class: 'dim' }, reference
      ? `Compared with the ${count(reference.images)} images of ${reference.dataset} ${reference.split}, evaluated ${dateTime(reference.finished)}. `
        + `Faces in the current window: ${count(images)} of ${count(size)}. Compared windows: ${count(windows)}.`
      : 'Evaluate this version on a whole split other than train, with at least 100 images. The server then compares the images of clients with these images.'),
    features.length > 0 && table(`Features in the window of ${dateTime(comparedAt)}`,
      ['Feature', 'State', 'PSI', 'Adjusted p-value', 'Evaluation (line) and clients (bars)'], features.map(row)))
}

function row({ feature, drift, psi, p_value: p, bins }) {
  return [feature, drift ? h('span', { class: 'badge bad' }, 'drift') : 'no drift', decimal(psi),
    p === null ? decimal(p) : p < 0.001 ? '< 0.001' : decimal(p), histogram(feature, bins)]
}

const [WIDTH, HEIGHT] = [168, 36]

/** The shares of the bins: bars for clients, a line per bin for the evaluation. */
function histogram(feature, bins) {
  const top = Math.max(...bins.flatMap(({ reference, live }) => [reference, live]))
  const y = (share) => HEIGHT - (share / (top || 1)) * (HEIGHT - 2) - 1
  const step = WIDTH / bins.length
  return svg('svg', { class: 'drift-histogram', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': `Histogram of ${feature}` },
    bins.map((bin, index) => [
      svg('rect', { class: 'bar', x: index * step + 1, width: step - 2, y: y(bin.live), height: HEIGHT - y(bin.live) },
        svg('title', {}, `${binName(bin)}: clients ${percent(bin.live, 1)}, evaluation ${percent(bin.reference, 1)}`)),
      svg('line', { class: 'reference', x1: index * step, x2: (index + 1) * step, y1: y(bin.reference), y2: y(bin.reference) }),
    ]))
}

function binName({ label, from, below }) {
  if (label) return label
  if (from === undefined) return `below ${threeDigits(below)}`
  return below === undefined ? `from ${threeDigits(from)}` : `${threeDigits(from)} to ${threeDigits(below)}`
}
