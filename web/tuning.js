// The tuning of a model: throughput by batch size, a line per combination of instances and threads.

import { lineChart } from './chart.js'
import { legend } from './components.js'
import { h } from './dom.js'
import { threeDigits } from './format.js'

const SOURCES = {
  measured: 'Measured by this server.',
  cached: 'Measured at an earlier start.',
  settings: 'Set by the configuration.',
  refined: 'Measured, then corrected by live traffic.',
  inherited: 'Inherited from the previous version.',
  default: 'Default of the device.',
}

export function tuningCurves({ source, points, load, provisional }) {
  const origin = SOURCES[source] ?? source
  if (!points?.length) return h('p', { class: 'dim' }, `Instances, threads and batch size: ${origin.toLowerCase()}`)
  const layout = ({ instances, intra_op_threads }) => `${instances} × ${intra_op_threads}`
  const speed = ({ images_per_second }) => `${threeDigits(images_per_second)} images/s`
  const series = [...Map.groupBy(points, layout)].map(([name, ofLayout]) => ({
    name,
    points: ofLayout.map((p) => [Math.log2(p.batch), p.images_per_second, `${name} threads, batch size ${p.batch}: ${speed(p)}`])
      .sort(([a], [b]) => a - b),
  }))
  const batches = [...new Set(points.map((point) => point.batch))].sort((a, b) => a - b)
  const best = points.reduce((a, b) => (b.images_per_second > a.images_per_second ? b : a))
  const busy = load === undefined ? '' : ` Other processes used ${Math.round(100 * load)} % of the cores during the measurement.`
  const again = provisional ? ' The measurement will be repeated when the server is idle.' : ''
  const note = `${origin}${busy}${again} Best: ${speed(best)} with ${layout(best)} threads and batch size ${best.batch}.`
  return h('div', {}, h('h3', {}, 'Images per second by batch size (instances × threads)'),
    h('div', { class: 'narrow' },
      lineChart({
        title: note, series, dots: true, format: threeDigits,
        xRange: [Math.log2(batches[0]), Math.log2(batches.at(-1))],
        xLabels: batches.map((batch) => [Math.log2(batch), `${batch}`]),
      }),
      legend(series.map(({ name }) => name))),
    h('p', { class: 'dim' }, note))
}
