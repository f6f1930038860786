// The confusion matrix as a heat map: a table, so that it can be read as one.

import { h } from './dom.js'
import { count, percent } from './format.js'
import { glyph } from './labels.js'

/** Rows are the labels, columns the predictions; a cell's colour is its share of the row. */
export function confusionTable({ confusion, classes }) {
  const labels = classes.map(({ label }) => label)
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Confusion matrix' }, h('table', { class: 'heat' },
    h('caption', {}, 'Rows: what it is. Columns: what it was taken for. In percent of the row.'),
    h('thead', {}, h('tr', {}, h('td', {}), labels.map((label) => h('th', { scope: 'col' }, glyph(label, 22), h('span', {}, label))))),
    h('tbody', {}, confusion.map((row, truth) => {
      const total = row.reduce((a, b) => a + b, 0)
      return h('tr', {}, h('th', { scope: 'row' }, glyph(labels[truth], 22), h('span', {}, labels[truth])), row.map((images, prediction) => cell(images, total, labels[truth], labels[prediction])))
    }))))
}

/** How deep a colour is, for the text on it: from `half` on black is legible in the dark theme, at `most` white in the light one. */
function depth(share, right) {
  const [half, most] = right ? [0.6, 0.84] : [0.52, 0.95]
  return share > most ? 'most' : share > half ? 'half' : ''
}

function cell(images, total, truth, prediction) {
  const share = total ? images / total : 0
  const right = truth === prediction
  return h('td', {
    class: `${right ? 'right' : ''} ${depth(share, right)}`,
    style: { '--share': `${(share * 100).toFixed(1)}%` },
    title: `${truth} taken for ${prediction}: ${count(images)} of ${count(total)}, ${percent(share, 1)}`,
  }, total ? Math.round(share * 100) : '–')
}
