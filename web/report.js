// What an evaluation found out.

import { confusionTable } from './confusion.js'
import { h } from './dom.js'
import { count, decimal, duration, percent, short } from './format.js'
import { tint } from './labels.js'
import { card, face, facts, gallery, interval, named, table, tile } from './parts.js'
import { reliability } from './reliability.js'

export function drawReport({ dataset, report, sha256, dataset_sha256 }) {
  const { accuracy, total, correct } = report
  return [
    h('dl', { class: 'tiles', 'aria-live': 'polite' },
      tile('Accuracy', h('span', { id: 'accuracy' }, percent(accuracy)), `${interval(report.interval)}, 95 %`),
      tile('Right', count(correct), `of ${count(total)} images`),
      tile('Macro-F1', decimal(report.macro_f1)),
      tile('Balanced accuracy', percent(report.balanced_accuracy)),
      tile('Calibration error', percent(report.expected_calibration_error), '15 bins'),
      tile('Log-loss', decimal(report.log_loss), report.brier === undefined ? null : `Brier ${decimal(report.brier)}`)),
    h('div', { class: 'columns' },
      card('What is taken for what', confusionTable(report)),
      card('Each expression', table(['Expression', 'Images', 'Precision', 'Recall', 'F1'], report.classes.map((row) => [
        named(row.label), count(row.support), percent(row.precision, 1), percent(row.recall, 1), decimal(row.f1)])))),
    h('div', { class: 'columns' },
      report.calibration?.bins.length && card('Is it as sure as it is right?', reliability(report.calibration.bins)),
      h('div', { class: 'stack' },
        card('Most frequent confusions', confusions(report.confusions ?? [])),
        card('In parts', parts(report, { sha256, dataset_sha256 })))),
    report.mistakes?.length ? card('Most confident mistakes', mistakes(dataset, report.mistakes)) : null,
  ]
}

function confusions(rows) {
  if (!rows.length) return h('p', { class: 'empty' }, 'It confuses nothing.')
  const most = Math.max(...rows.map(({ images }) => images))
  return h('ol', { class: 'confusions' }, rows.map(({ label, prediction, images, share }) => {
    const width = `${((images / most) * 100).toFixed(1)}%`
    return h('li', {},
      h('span', {}, label, ' as ', h('strong', {}, prediction)),
      h('span', { class: `track ${tint(prediction)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
      h('span', { class: 'number dim' }, `${count(images)} · ${percent(share, 0)}`))
  }))
}

function parts(report, { sha256, dataset_sha256 }) {
  const score = ({ accuracy, total, interval: bounds }) => `${percent(accuracy)} of ${count(total)} (${interval(bounds)})`
  const without = report.without_duplicates
  const rows = [
    ...Object.entries(report.splits ?? {}).map(([name, part]) => [name, score(part)]),
    without && ['Without faces that are in train too', `${score(without)}; ${count(without.removed)} left out`],
    report.seconds && ['Took', `${duration(report.seconds)}, ${short(report.images_per_second)} images a second`],
    sha256 && ['Model file', h('code', { title: sha256 }, sha256.slice(0, 16))],
    dataset_sha256 && ['Data', h('code', { title: dataset_sha256 }, dataset_sha256.slice(0, 16))],
  ]
  return facts(rows)
}

function mistakes(dataset, rows) {
  return gallery(rows, ({ image, name, label, prediction, confidence }) => [
    face(dataset, image, `${label}, taken for ${prediction}`),
    h('figcaption', { title: name }, h('strong', {}, prediction), h('span', { class: 'dim' }, ` ${percent(confidence, 0)}`), h('span', { class: 'dim block' }, `it is ${label}`)),
  ])
}
