// Two evaluations on the same images: the difference with its interval, each expression, the images that flipped.

import { get, query } from './api.js'
import { h, replace } from './dom.js'
import { count, percent, points } from './format.js'
import { back, card, face, gallery, named, subject, table, tile, title } from './parts.js'

export async function showComparison(section, a, b) {
  const head = [back(), h('h1', { tabindex: '-1' }, 'Comparison')]
  replace(section, head, h('p', { class: 'dim' }, 'Comparing …'))
  try {
    const path = query('v1/evaluations/compare', { a, b })
    const comparison = await get(path)
    replace(section, head, draw(comparison, comparison.evaluation_a, comparison.evaluation_b, path))
  } catch (problem) {
    replace(section, head, h('p', { class: 'notice bad' }, problem.message))
  }
}

function draw(comparison, first, second, path) {
  const { images, difference, difference_interval: [low, high], p_value: p, pairs, flipped } = comparison
  return [
    h('div', { class: 'row apart head' },
      h('p', { class: 'lead' }, 'A: ', link(first), '. B: ', link(second), `. ${subject(first)}, ${count(images)} images in both.`),
      h('a', { class: 'button small', href: `${path}&format=html`, target: '_blank', rel: 'noopener' }, 'Report')),
    h('div', { class: 'stack' },
      h('p', { class: 'verdict-line' }, verdict(difference, low, high)),
      h('dl', { class: 'tiles' },
        tile('A', percent(comparison.a.accuracy), title(first)),
        tile('B', percent(comparison.b.accuracy), title(second)),
        tile('B less A', points(difference), `points, ${points(low)} to ${points(high)}`),
        tile('McNemar’s p', p < 0.0001 ? '< 0.0001' : p.toPrecision(2), 'exact, two-sided'),
        tile('Only A right', count(pairs.only_a_correct), 'images'),
        tile('Only B right', count(pairs.only_b_correct), 'images')),
      card('Recall of each expression', table(['Expression', 'Images', 'A', 'B', 'B less A'], comparison.classes.map((row) => [
        named(row.label), count(row.support), percent(row.recall_a, 1), percent(row.recall_b, 1), points(row.difference, 1)]))),
      card(`Images that flipped: ${count(flipped.count)}`, flips(first.dataset, flipped.images))),
  ]
}

const link = (evaluation) => h('a', { href: `#evaluate/${evaluation.id}` }, title(evaluation))

function verdict(difference, low, high) {
  const by = `${(Math.abs(difference) * 100).toFixed(2)} points`
  if (low > 0) return `B is better, by ${by}.`
  if (high < 0) return `B is worse, by ${by}.`
  return 'These images do not tell which of the two is better.'
}

function flips(dataset, rows) {
  if (!rows.length) return h('p', { class: 'empty' }, 'None: both say the same of every image.')
  return gallery(rows, ({ image, name, label, a, b, confidence_a, confidence_b }) => [
    face(dataset, image, `${label}; A says ${a}, B says ${b}`),
    h('figcaption', { title: name }, h('strong', {}, label),
      h('span', { class: 'dim block' }, `A: ${a} ${percent(confidence_a, 0)}`), h('span', { class: 'dim block' }, `B: ${b} ${percent(confidence_b, 0)}`)),
  ])
}
