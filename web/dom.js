// Creates elements. The web UI never parses text as HTML, so that names from files and responses cannot inject markup.

const SVG = 'http://www.w3.org/2000/svg'

/** Creates an HTML element. `attributes` can hold event listeners (`onclick`), `style` and `data` as objects, and properties
 * such as `value`. An attribute that is null, undefined or false is omitted. `children` are nodes, strings, arrays or null. */
export function h(tag, attributes, ...children) {
  return initialize(document.createElement(tag), attributes, children)
}

/** Creates an SVG element; see `h`. */
export function svg(tag, attributes, ...children) {
  return initialize(document.createElementNS(SVG, tag), attributes, children)
}

/** Replaces the children of an element. */
export function replace(element, ...children) {
  element.replaceChildren(...nodes(children))
  return element
}

const PROPERTIES = new Set(['value', 'checked', 'indeterminate', 'open', 'srcObject'])

function initialize(element, attributes, children) {
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

/** Shows a short message that disappears after 7 seconds. */
export function toast(text, kind = 'info') {
  const message = h('p', { class: `toast ${kind}` }, text)
  document.getElementById('toasts').append(message)
  setTimeout(() => message.remove(), 7000)
}

/** Creates a `select` with options `[value, text, disabled]`. */
export function select(attributes, options, selected) {
  const element = h('select', attributes, options.map(([value, text, disabled]) => h('option', { value, disabled }, text)))
  if (selected !== undefined && options.some(([value]) => value === selected)) element.value = selected
  return element
}

let lastId = 0

/** A control with a label above it and an optional hint below it. */
export function field(label, control, hint) {
  control.id ||= `field-${++lastId}`
  const hintElement = hint ? h('small', { id: `${control.id}-hint` }, hint) : null
  if (hintElement) control.setAttribute('aria-describedby', hintElement.id)
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, hintElement)
}
