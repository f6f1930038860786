// Makes elements. Nothing here, nor anywhere else on the page, turns text into markup.

const SVG = 'http://www.w3.org/2000/svg'

/** An HTML element. `attributes` may hold listeners (`onclick`), `style` and `data` as objects, and properties
 * such as `value`; what is null or false is left out. Children: nodes, text, lists, null. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children)
}

/** An SVG element, as `h`. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children)
}

/** Puts other children in place of those there are. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children))
  return element
}

const PROPERTIES = new Set(['value', 'checked', 'indeterminate', 'open', 'srcObject'])

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'style') for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text)
    else if (name === 'data') Object.assign(element.dataset, value)
    else if (PROPERTIES.has(name)) element[name] = value
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...nodes(children))
  return element
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
}

/** A short message that goes by itself. */
export function toast(text, kind = 'info') {
  const place = document.getElementById('toasts')
  const note = h('p', { class: `toast ${kind}` }, text)
  place.append(note)
  setTimeout(() => note.remove(), 7000)
}

/** A select with options `[value, text]`. */
export function select(attributes, options, chosen) {
  const list = h('select', attributes, options.map(([value, text, off]) => h('option', { value, disabled: off }, text)))
  if (chosen !== undefined && options.some(([value]) => value === chosen)) list.value = chosen
  return list
}

let ids = 0

/** A control below its name. */
export function field(name, control, hint) {
  control.id ||= `field-${++ids}`
  const note = hint ? h('small', { id: `${control.id}-hint` }, hint) : null
  if (note) control.setAttribute('aria-describedby', note.id)
  return h('div', { class: 'field' }, h('label', { for: control.id }, name), control, note)
}
