// Small pieces that several pages are made of.

import { h } from './dom.js'
import { count, percent } from './format.js'
import { glyph } from './labels.js'

/** One number below its name. Goes into a `dl.tiles`. */
export function tile(name, value, note) {
  return h('div', { class: 'tile' }, h('dt', {}, name), h('dd', {}, h('span', { class: 'big' }, value), note && h('small', {}, note)))
}

/** A part of a page with its heading. */
export function card(title, ...content) {
  return h('section', { class: 'card' }, h('h2', {}, title), content)
}

/** What lines of a chart are called, in their order. */
export function legend(names) {
  return h('ul', { class: 'legend' }, names.map((name, index) => h('li', {}, h('span', { class: `swatch line-${index % 6}` }), name)))
}

/** Names and what belongs to them; rows that are false are left out. */
export function facts(rows) {
  return h('dl', { class: 'facts' }, rows.filter(Boolean).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))
}

/** A table whose first column names its rows and whose others hold numbers. */
export function table(columns, rows) {
  const number = (index) => (index ? 'number' : '')
  return h('div', { class: 'scroll' }, h('table', {},
    h('thead', {}, h('tr', {}, columns.map((name, index) => h('th', { scope: 'col', class: number(index) }, name)))),
    h('tbody', {}, rows.map(([name, ...cells]) => h('tr', {}, h('th', { scope: 'row' }, name), cells.map((cell) => h('td', { class: 'number' }, cell)))))))
}

/** A label with its drawn face. */
export const named = (label) => h('span', { class: 'named' }, glyph(label, 20), label)

/** A face of a data set, by its opaque id. */
export function face(dataset, image, alt) {
  return h('img', { src: `v1/datasets/${encodeURIComponent(dataset)}/images/${image}`, alt, loading: 'lazy', width: 48, height: 48 })
}

const AT_FIRST = 24

/** Figures side by side, the first of them until more are asked for. `draw(row)` gives a figure's content. */
export function gallery(rows, draw) {
  const figures = (some) => some.map((row) => h('li', {}, h('figure', {}, draw(row))))
  const list = h('ul', { class: 'gallery' }, figures(rows.slice(0, AT_FIRST)))
  const more = h('button', { type: 'button', class: 'small', onclick: () => {
    list.append(...figures(rows.slice(AT_FIRST)))
    list.children[AT_FIRST].tabIndex = -1
    list.children[AT_FIRST].focus()
    more.remove()
  } }, `Show all ${count(rows.length)}`)
  return h('div', { class: 'stack' }, list, rows.length > AT_FIRST && h('div', { class: 'row' }, more))
}

/** Classes of badges by an evaluation's status. */
export const STATES = { succeeded: 'good', failed: 'bad', running: 'busy' }

/** The model of an evaluation. */
export const title = ({ model, version }) => `${model} v${version}`

/** `fer2013 test`, with how many of them where that was limited. */
export function subject({ dataset, split, limit }) {
  return `${dataset} ${split}${limit ? `, ${count(limit)} of it` : ''}`
}

/** `62.3 – 64.5 %`. */
export function interval(bounds) {
  return bounds ? `${(bounds[0] * 100).toFixed(1)} – ${percent(bounds[1], 1)}` : ''
}

/** The way back from one evaluation. */
export function back() {
  return h('p', { class: 'back' }, h('a', { href: '#evaluate' }, '← All evaluations'))
}
