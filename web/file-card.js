// The card of one file: its picture, a spinner while the server works, and the error if the server rejected the file.

import { h, replace, svg } from './dom.js'

// Errors that depend on the image alone.
const IMAGE_ERRORS = [400, 413, 415]

/** Creates the card of a file. `kind` is its CSS class. `onRetry()` is called if the user wants to send the file again after an
 * error, `onRemove()` before the card disappears.
 *
 * Returns `element`, `image`, the `frame` around the image, `body`, `showSpinner(text)`, `showProblem(problem)`,
 * `showResult({content, note, button})` and `replaceWith(card)`. */
export function fileCard(file, { kind, onRetry, onRemove }) {
  const name = file.name || 'image'
  const url = URL.createObjectURL(file)
  const image = h('img', { src: url, alt: name })
  const frame = h('div', { class: 'image-frame' }, image)
  const body = h('div', {})
  const footer = h('footer', {})
  const element = h('article', { class: `card ${kind}`, 'aria-label': name, tabindex: '-1' }, frame, body, footer)
  image.addEventListener('error', () => image.replaceWith(brokenImage()))

  function dispose() {
    onRemove?.()
    URL.revokeObjectURL(url)
  }

  function showSpinner(text) {
    element.setAttribute('aria-busy', 'true')
    replace(body, h('p', { class: 'top-prediction' },
      h('span', { class: 'spinner', 'aria-hidden': 'true' }), h('span', { class: 'dim' }, text)))
    footer.hidden = true
  }

  function showResult({ content, note, button }) {
    element.setAttribute('aria-busy', 'false')
    footer.hidden = false
    replace(body, content)
    const remove = h('button', { type: 'button', class: 'small quiet', 'aria-label': `Remove ${name}`,
      onclick: () => { dispose(); element.remove() } }, 'Remove')
    replace(footer, h('span', { class: 'dim', title: name }, note), button, remove)
  }

  function showProblem({ message, status }) {
    const retry = h('button', { type: 'button', class: 'small', 'aria-label': `Try again: ${name}`, onclick: () => {
      // The focused button disappears.
      element.focus()
      onRetry()
    } }, 'Try again')
    showResult({
      content: [h('p', { class: 'top-prediction' }, 'Not classified'), h('p', { class: 'notice bad', role: 'alert' }, message)],
      note: name,
      button: !IMAGE_ERRORS.includes(status) && retry,
    })
  }

  function replaceWith(card) {
    dispose()
    const hadFocus = element.contains(document.activeElement)
    element.replaceWith(card.element)
    if (hadFocus) card.element.focus()
  }
  return { element, image, frame, body, showSpinner, showResult, showProblem, replaceWith }
}

/** A crossed-out sheet, shown if the browser cannot decode the file. */
function brokenImage() {
  return svg('svg', { viewBox: '0 0 24 24', class: 'broken-image', 'aria-hidden': 'true' },
    svg('path', { d: 'M7 4h7l4 4v12H7zM14 4v4h4M10 13l5 5M15 13l-5 5' }))
}
