// The report of an evaluation.

import { card, descriptionList, faceImage, gallery, groupName, interval, labelWithIcon, table, tile } from './components.js'
import { confusionMatrix } from './confusion-matrix.js'
import { h } from './dom.js'
import { engineName } from './engines.js'
import { count, decimal, duration, percent, points, threeDigits } from './format.js'
import { labelColor } from './labels.js'
import { reliabilityDiagram } from './reliability-diagram.js'
import { riskCoverage } from './risk-coverage.js'

export function report(evaluation) {
  const scores = evaluation.report
  return [
    h('dl', { class: 'tiles', 'aria-live': 'polite' },
      tile('Accuracy', h('span', { id: 'accuracy' }, percent(scores.accuracy)), `95 % interval ${interval(scores.interval)}`),
      tile('Correct', count(scores.correct), `of ${count(scores.total)} images`),
      tile('Macro F1', decimal(scores.macro_f1)),
      tile('Balanced accuracy', percent(scores.balanced_accuracy)),
      tile('Calibration error', percent(scores.expected_calibration_error), 'expected, 15 bins'),
      tile('Log loss', decimal(scores.log_loss), scores.brier === undefined ? null : `Brier score ${decimal(scores.brier)}`)),
    h('div', { class: 'columns' },
      card('Confusion matrix', confusionMatrix(scores)),
      card('Scores by expression', table('Scores by expression', ['Expression', 'Images', 'Precision', 'Recall', 'F1'], scores.classes.map((row) => [
        labelWithIcon(row.label), count(row.support), percent(row.precision, 1), percent(row.recall, 1), decimal(row.f1)])))),
    scores.groups?.length ? card('Accuracy by group', groups(scores.groups)) : null,
    h('div', { class: 'columns' },
      scores.calibration?.bins.length && card('Reliability diagram', reliabilityDiagram(scores.calibration.bins)),
      scores.risk_coverage?.points.length && card('Accuracy by minimum confidence', riskCoverage(scores.risk_coverage.points)),
      h('div', { class: 'stack' },
        card('Most frequent confusions', confusions(scores.confusions ?? [])),
        card('Details', details(evaluation)))),
    scores.mistakes?.length ? card('Most confident mistakes', mistakes(evaluation.dataset, scores.mistakes)) : null,
  ]
}

/** The accuracy per group, and the largest gap of each grouping. */
function groups(groupings) {
  const rows = groupings.flatMap((grouping) => grouping.groups.map((group) => [
    groupName(grouping.grouping, group.group), count(group.correct), count(group.total), percent(group.accuracy), interval(group.interval)]))
  const gaps = groupings.filter((grouping) => grouping.largest_gap).map(({ grouping, largest_gap: gap }) => h('li', {},
    `${grouping}: ${gap.best} minus ${gap.worst}, ${points(gap.difference)} points, `
      + `95 % interval ${points(gap.interval[0])} to ${points(gap.interval[1])}`))
  return h('div', { class: 'stack' },
    table('Accuracy by group', ['Group', 'Correct', 'Images', 'Accuracy', '95 % interval'], rows),
    gaps.length > 0 && h('div', {}, h('p', {}, 'Largest gaps between groups of at least 30 images:'), h('ul', {}, gaps)))
}

function confusions(rows) {
  if (!rows.length) return h('p', { class: 'empty' }, 'No mistakes.')
  const most = Math.max(...rows.map(({ images }) => images))
  return h('ol', { class: 'confusions' }, rows.map(({ label, prediction, images, share }) => {
    const width = `${((images / most) * 100).toFixed(1)}%`
    return h('li', {},
      h('span', {}, label, ' predicted as ', h('strong', {}, prediction)),
      h('span', { class: `track ${labelColor(prediction)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
      h('span', { class: 'number dim' }, `${count(images)} · ${percent(share, 0)}`))
  }))
}

function details({ report: scores, engine, precision, sha256, dataset_sha256 }) {
  const score = ({ accuracy, total, interval: bounds }) => `${percent(accuracy)} of ${count(total)} images (${interval(bounds)})`
  const without = scores.without_duplicates
  const others = otherFiles(scores.left_out)
  return descriptionList([
    ...Object.entries(scores.splits ?? {}).map(([name, part]) => [name, score(part)]),
    others && ['Other files of the data set', others],
    without && ['Without faces that are also in train', `${score(without)}; ${count(without.removed)} removed`],
    scores.seconds && ['Duration', `${duration(scores.seconds)}, ${threeDigits(scores.images_per_second)} images per second`],
    engine && ['Engine', `${engineName(engine)}, ${precision}`],
    sha256 && ['SHA-256 of the model', h('code', { title: sha256 }, sha256.slice(0, 16))],
    dataset_sha256 && ['SHA-256 of the data', h('code', { title: dataset_sha256 }, dataset_sha256.slice(0, 16))],
  ])
}

function otherFiles({ files = {}, directories = [], group_rows: rows = 0 } = {}) {
  const kinds = Object.entries(files).map(([kind, number]) => `${kind}: ${count(number)}`)
  const others = directories.length ? [`directories ${directories.join(', ')}`] : []
  const withoutImage = rows ? [`rows of groups.csv whose image does not exist: ${count(rows)}`] : []
  return [...kinds, ...others, ...withoutImage].join('; ')
}

function mistakes(dataset, rows) {
  return gallery(rows, ({ image, name, label, prediction, confidence }) => [
    faceImage(dataset, image, `${label}, predicted as ${prediction}`),
    h('figcaption', { title: name }, h('strong', {}, prediction), h('span', { class: 'dim' }, ` ${percent(confidence, 0)}`),
      h('span', { class: 'dim block' }, `label: ${label}`)),
  ])
}
