// Components that several views share.

import { serverImage } from './credentials.js'
import { h } from './dom.js'
import { count, percent } from './format.js'
import { faceIcon } from './labels.js'

/** A number with its name above it and an optional note below it, for a `dl.tiles`. */
export function tile(name, value, note) {
  return h('div', { class: 'tile' }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value), note && h('small', {}, note)))
}

/** A section with a heading. */
export function card(title, ...content) {
  return h('section', { class: 'card' }, h('h2', {}, title), content)
}

/** The names of the lines of a chart, in the order of the lines. */
export function legend(names) {
  return h('ul', { class: 'legend' }, names.map((name, index) => h('li', {}, h('span', { class: `swatch line-${index % 6}` }), name)))
}

/** A list of `[name, value]`. Rows that are false, null or undefined are omitted. */
export function descriptionList(rows) {
  return h('dl', { class: 'description-list' }, rows.filter(Boolean).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))
}

/** A region with a name that scrolls horizontally if its content is too wide. The keyboard scrolls it when it has the focus. */
export function scrollable(name, content) {
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': name }, content)
}

/** A table whose first column is the heading of its row and whose other columns are numbers. */
export function table(name, columns, rows) {
  const alignment = (index) => (index ? 'number' : '')
  return scrollable(name, h('table', {},
    h('thead', {}, h('tr', {}, columns.map((name, index) => h('th', { scope: 'col', class: alignment(index) }, name)))),
    h('tbody', {}, rows.map(([name, ...cells]) => (
      h('tr', {}, h('th', { scope: 'row' }, name), cells.map((cell) => h('td', { class: 'number' }, cell))))))))
}

/** A label with its icon. */
export const labelWithIcon = (label) => h('span', { class: 'label-with-icon' }, faceIcon(label, 20), label)

/** A group with the name of its grouping. */
export const groupName = (grouping, group) => `${grouping}: ${group}`

/** A face of a data set, by the id of the image. */
export function faceImage(dataset, image, alt) {
  return serverImage(`v1/datasets/${encodeURIComponent(dataset)}/images/${image}`, { alt, width: 48, height: 48 })
}

const GALLERY_PREVIEW = 24

/** A grid of figures with a button that shows all of them. `content(row)` returns the content of a figure. */
export function gallery(rows, content) {
  const figures = (part) => part.map((row) => h('li', {}, h('figure', {}, content(row))))
  const list = h('ul', { class: 'gallery' }, figures(rows.slice(0, GALLERY_PREVIEW)))
  const showAll = h('button', { type: 'button', class: 'small', onclick: () => {
    list.append(...figures(rows.slice(GALLERY_PREVIEW)))
    list.children[GALLERY_PREVIEW].tabIndex = -1
    list.children[GALLERY_PREVIEW].focus()
    showAll.remove()
  } }, `Show all ${count(rows.length)}`)
  return h('div', { class: 'stack' }, list, rows.length > GALLERY_PREVIEW && h('div', { class: 'row' }, showAll))
}

/** The class of the badge for the status of an evaluation. */
export const STATUS_CLASSES = { succeeded: 'good', failed: 'bad', running: 'busy' }

/** The model and version of an evaluation. */
export const modelTitle = ({ model, version }) => `${model} v${version}`

/** The data set and split of an evaluation: `fer2013 test, at most 1,000 images`. */
export function datasetTitle({ dataset, split, limit }) {
  return `${dataset} ${split}${limit ? `, at most ${count(limit)} ${limit === 1 ? 'image' : 'images'}` : ''}`
}

/** `62.3 – 64.5 %`. */
export function interval(bounds) {
  return bounds ? `${(bounds[0] * 100).toFixed(1)} – ${percent(bounds[1], 1)}` : ''
}

/** A link from one evaluation to the list of all evaluations. */
export function backLink() {
  return h('p', { class: 'back' }, h('a', { href: '#evaluate' }, '← All evaluations'))
}
