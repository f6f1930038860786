// Accuracy over time: a line per model on one split of one data set. Evaluations of only a part of a split are omitted.

import { cardWidth, lineChart } from './chart.js'
import { card, legend } from './components.js'
import { dateTime, percent, timeAxisLabels } from './format.js'

/** A card with the chart of the split that was evaluated most often; null if no split was evaluated twice. */
export function accuracyHistory(evaluations) {
  const whole = evaluations.filter(({ status, limit, finished }) => status === 'succeeded' && !limit && finished)
  const bySplit = Map.groupBy(whole, ({ dataset, split }) => `${dataset} ${split}`)
  const [split, evaluated] = [...bySplit].sort(([, a], [, b]) => b.length - a.length)[0] ?? []
  if (!evaluated || evaluated.length < 2) return null
  const points = evaluated.map(({ model, version, report, finished }) => (
    { model, version, accuracy: report.accuracy, time: new Date(finished).valueOf(), finished }))
  points.sort((a, b) => a.time - b.time)
  const title = (p) => `${p.model} v${p.version}: ${percent(p.accuracy)}, ${dateTime(p.finished)}`
  const series = [...Map.groupBy(points, ({ model }) => model)].map(([model, ofModel]) => ({
    name: model, points: ofModel.map((p) => [p.time, p.accuracy, title(p)]),
  }))
  const [first, last] = [points[0].time, points.at(-1).time]
  const accuracies = points.map(({ accuracy }) => accuracy)
  const [lowest, highest] = [Math.min(...accuracies), Math.max(...accuracies)]
  return card(`Accuracy over time, ${split}`,
    lineChart({
      title: `Accuracy of ${points.length} evaluations on ${split}, ${percent(lowest)} to ${percent(highest)}`,
      series, dots: true, width: cardWidth(), format: (value) => percent(value, 0),
      yMin: Math.max(0, Math.floor((lowest - 0.02) * 20) / 20), yMax: Math.min(1, Math.ceil((highest + 0.02) * 20) / 20),
      xRange: [first, last], xLabels: timeAxisLabels(first, last),
    }),
    legend(series.map(({ name }) => name)))
}
