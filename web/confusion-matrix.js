// The confusion matrix as a table with coloured cells.

import { scrollable } from './components.js'
import { h } from './dom.js'
import { count, percent } from './format.js'
import { faceIcon } from './labels.js'

/** Rows are true labels and columns are predicted labels. The colour of a cell is its share of the row. */
export function confusionMatrix({ confusion, classes }) {
  const labels = classes.map(({ label }) => label)
  const header = (scope, label) => h('th', { scope }, faceIcon(label, 22), h('span', {}, label))
  return scrollable('Confusion matrix', h('table', { class: 'confusion-matrix' },
    h('caption', {}, 'Rows: true label. Columns: predicted label. Values: percent of the row.'),
    h('thead', {}, h('tr', {}, h('td', {}), labels.map((label) => header('col', label)))),
    h('tbody', {}, confusion.map((row, truth) => {
      const total = row.reduce((a, b) => a + b, 0)
      return h('tr', {}, header('row', labels[truth]),
        row.map((images, prediction) => cell(images, total, labels[truth], labels[prediction])))
    }))))
}

/** Returns the class that gives the text of a cell enough contrast. Above the first limit the dark theme needs black text;
 * above the second one the light theme needs white text. */
function contrastClass(share, isCorrect) {
  const [strong, strongest] = isCorrect ? [0.6, 0.84] : [0.52, 0.95]
  return share > strongest ? 'strongest' : share > strong ? 'strong' : ''
}

function cell(images, total, truth, prediction) {
  const share = total ? images / total : 0
  const isCorrect = truth === prediction
  return h('td', {
    class: `${isCorrect ? 'correct' : ''} ${contrastClass(share, isCorrect)}`,
    style: { '--share': `${(share * 100).toFixed(1)}%` },
    title: `${truth} predicted as ${prediction}: ${count(images)} of ${count(total)}, ${percent(share, 1)}`,
  }, total ? Math.round(share * 100) : '–')
}
