// Accuracy over time: a line for each model on one split of one data set, whole splits only.

import { lines, room } from './chart.js'
import { h } from './dom.js'
import { ends, percent, when } from './format.js'
import { card, legend } from './parts.js'

/** A card, once a split has been evaluated twice. */
export function history(evaluations) {
  const whole = evaluations.filter(({ status, limit, finished }) => status === 'succeeded' && !limit && finished)
  const bySplit = Map.groupBy(whole, ({ dataset, split }) => `${dataset} ${split}`)
  const [name, chosen] = [...bySplit].sort(([, a], [, b]) => b.length - a.length)[0] ?? []
  if (!chosen || chosen.length < 2) return null
  const points = chosen.map(({ model, version, report, finished }) => ({ model, version, accuracy: report.accuracy, time: new Date(finished).valueOf(), finished }))
  points.sort((a, b) => a.time - b.time)
  const series = [...Map.groupBy(points, ({ model }) => model)].map(([model, all]) => ({
    name: model,
    points: all.map((p) => [p.time, p.accuracy, `${model} v${p.version}: ${percent(p.accuracy)}, ${when(p.finished)}`]),
  }))
  const [first, last] = [points[0], points.at(-1)]
  const lowest = Math.min(...points.map(({ accuracy }) => accuracy))
  const highest = Math.max(...points.map(({ accuracy }) => accuracy))
  const from = Math.max(0, Math.floor((lowest - 0.02) * 20) / 20)
  const to = Math.min(1, Math.ceil((highest + 0.02) * 20) / 20)
  return card(`Accuracy over time, ${name}`,
    lines({
      title: `Accuracy of ${points.length} evaluations on ${name}, ${percent(lowest)} to ${percent(highest)}`,
      series, from, to, dots: true, width: room(), format: (value) => percent(value, 0), xs: [first.time, last.time],
      xText: ends(first.time, last.time),
    }),
    legend(series.map(({ name: model }) => model)))
}
