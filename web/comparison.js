// The comparison of two evaluations on the same images: the difference with its interval, the recall of each expression, the
// accuracy of each group, and the images with different predictions.

import { get, query } from './api.js'
import { backLink, card, datasetTitle, faceImage, gallery, groupName, labelWithIcon, modelTitle, table, tile } from './components.js'
import { fileLink } from './credentials.js'
import { h, replace } from './dom.js'
import { count, percent, points } from './format.js'
import { loadWithRetry } from './polling.js'

/** Shows the comparison of two evaluations. */
export function showComparison(section, a, b, signal) {
  const head = [backLink(), h('h1', { tabindex: '-1' }, 'Comparison')]
  replace(section, head, h('p', { class: 'dim' }, 'Comparing …'))
  const path = query('v1/evaluations/compare', { a, b })
  const load = async () => {
    const comparison = await get(path, { signal })
    replace(section, head, content(comparison, comparison.evaluation_a, comparison.evaluation_b, path))
  }
  loadWithRetry(load, (problem) => replace(section, head, h('p', { class: 'notice bad' }, problem.message)), signal)
}

function content(comparison, evaluationA, evaluationB, path) {
  const { images, difference, difference_interval: [low, high], p_value: p, pairs, flipped } = comparison
  return [
    h('div', { class: 'row between head' },
      h('p', { class: 'lead' }, 'A: ', link(evaluationA), '. B: ', link(evaluationB),
        `. ${datasetTitle(evaluationA)}, ${count(images)} images in both.`),
      fileLink(`${path}&format=html`, 'comparison.html', { class: 'button small', target: '_blank', rel: 'noopener' }, 'Report')),
    h('div', { class: 'stack' },
      h('p', { class: 'conclusion' }, conclusion(difference, low, high)),
      h('dl', { class: 'tiles' },
        tile('Accuracy of A', percent(comparison.a.accuracy), modelTitle(evaluationA)),
        tile('Accuracy of B', percent(comparison.b.accuracy), modelTitle(evaluationB)),
        tile('B − A', points(difference), `points, 95 % interval ${points(low)} to ${points(high)}`),
        tile('p-value', p < 0.0001 ? '< 0.0001' : p.toPrecision(2), 'McNemar’s exact test, two-sided'),
        tile('Only A correct', count(pairs.only_a_correct), 'images'),
        tile('Only B correct', count(pairs.only_b_correct), 'images')),
      card('Recall by expression', table('Recall by expression', ['Expression', 'Images', 'A', 'B', 'B − A'], comparison.classes.map((row) => [
        labelWithIcon(row.label), count(row.support), percent(row.recall_a, 1), percent(row.recall_b, 1), points(row.difference, 1)]))),
      comparison.groups.length ? card('Accuracy by group', groups(comparison.groups)) : null,
      card(`Images with different predictions: ${count(flipped.count)}`, flippedImages(evaluationA.dataset, flipped.images))),
  ]
}

function groups(groupings) {
  const rows = groupings.flatMap(({ grouping, groups }) => groups.map((group) => [
    groupName(grouping, group.group), count(group.images), percent(group.accuracy_a, 1), percent(group.accuracy_b, 1), points(group.difference, 1),
    `${points(group.difference_interval[0], 1)} to ${points(group.difference_interval[1], 1)}`]))
  return table('Accuracy by group', ['Group', 'Images', 'A', 'B', 'B − A', '95 % interval'], rows)
}

const link = (evaluation) => h('a', { href: `#evaluate/${evaluation.id}` }, modelTitle(evaluation))

function conclusion(difference, low, high) {
  const by = `${(Math.abs(difference) * 100).toFixed(2)} points`
  if (low > 0) return `B is more accurate than A by ${by}.`
  if (high < 0) return `B is less accurate than A by ${by}.`
  return 'The difference is not statistically significant.'
}

function flippedImages(dataset, rows) {
  if (!rows.length) return h('p', { class: 'empty' }, 'Both models predict the same expression for every image.')
  return gallery(rows, ({ image, name, label, a, b, confidence_a, confidence_b }) => [
    faceImage(dataset, image, `${label}; A predicts ${a}, B predicts ${b}`),
    h('figcaption', { title: name }, h('strong', {}, label),
      h('span', { class: 'dim block' }, `A: ${a} ${percent(confidence_a, 0)}`),
      h('span', { class: 'dim block' }, `B: ${b} ${percent(confidence_b, 0)}`)),
  ])
}
