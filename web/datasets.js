// Data sets as options of forms.

import { h } from './dom.js'
import { count } from './format.js'

/** The options of a `select` for the splits of a data set that have images. */
export function splitOptions(datasets, datasetName) {
  const { splits } = datasets.find(({ name }) => name === datasetName)
  const names = ['test', 'PublicTest', 'PrivateTest', 'train'].filter((name) => splits[name] > 0)
  return names.map((name) => h('option', { value: name }, `${name} (${count(splits[name])})`))
}
