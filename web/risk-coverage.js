// The risk-coverage curve: the accuracy if images with a low confidence get no answer.

import { lineChart } from './chart.js'
import { table } from './components.js'
import { h } from './dom.js'
import { percent } from './format.js'

export function riskCoverage(points) {
  const line = points.map(({ coverage, min_confidence: confidence, accuracy }) => [coverage, accuracy,
    `${percent(accuracy, 1)} accuracy on ${percent(coverage, 0)} of the images, confidence from ${percent(confidence, 0)}`])
  const format = (value) => percent(value, 0)
  return [
    lineChart({ title: 'Accuracy by share of answered images; the table below has the values', series: [{ name: 'accuracy', points: line }],
      xRange: [0, 1], format, yMax: 1, dots: true, xLabels: [0, 0.5, 1].map((share) => [share, format(share)]) }),
    h('p', { class: 'dim' }, 'The accuracy if only the images with the highest confidence get a label. Clients choose the minimum with ',
      h('code', {}, 'min_confidence'), '.'),
    h('details', {}, h('summary', {}, 'Values'), table('Accuracy by minimum confidence', ['Answered images', 'Minimum confidence', 'Accuracy'],
      points.map(({ coverage, min_confidence: confidence, accuracy }) => [percent(coverage, 0), percent(confidence, 1), percent(accuracy, 1)]))),
  ]
}
