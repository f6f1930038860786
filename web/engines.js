// The engines of a model: throughput and agreement with the default provider.

import { table } from './components.js'
import { h } from './dom.js'
import { threeDigits } from './format.js'

const NAMES = { onnxruntime: 'ONNX Runtime', openvino: 'OpenVINO' }

export const engineName = (engine) => NAMES[engine] ?? engine

export function engineTable({ engine, precision, engines }) {
  if (!engines?.length) return null
  const isServing = (report) => report.engine === engine && report.precision === precision
  const row = ({ agreement, images_per_second: speed, problem, ...report }) => [
    `${engineName(report.engine)}, ${report.precision}`,
    isServing(report) ? 'serves' : problem ?? 'not used',
    speed ? threeDigits(speed) : '–',
    ...agreement
      ? [agreement.max_difference.toExponential(1), agreement.mean_difference.toExponential(1), `${agreement.flipped_labels} of ${agreement.faces}`]
      : ['–', '–', '–'],
  ]
  const columns = ['Engine', 'State', 'Images/s', 'Max. difference', 'Mean difference', 'Other labels']
  return h('div', {}, h('h3', {}, 'Engines'),
    table('Engines', columns, engines.map(row)),
    h('p', { class: 'dim' }, 'Differences of probabilities and labels from the default provider on faces that the server contains.'))
}
