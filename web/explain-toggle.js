// The button of a card that opens and closes the explanation of its prediction.

import { h } from './dom.js'
import { explanation } from './explanation.js'

/** Adds an explanation to the card `{element, frame, body}` of a face. `subject` is what `explanation` takes, `name` is the name
 * of the face, and `onExplain(parameters)` is called for each explanation that the user requests. Returns the `button`, and
 * `close()`, which cancels a running request. */
export function explainToggle({ element, frame, body }, { name, subject, onExplain }) {
  let opened = null
  const close = () => opened?.close()

  function toggle() {
    if (opened) {
      close()
      opened.map.remove()
      opened.element.remove()
      opened = null
    } else {
      opened = explanation(subject, onExplain)
      frame.append(opened.map)
      body.after(opened.element)
    }
    element.classList.toggle('explained', opened !== null)
    button.setAttribute('aria-expanded', String(opened !== null))
  }
  const button = h('button', { type: 'button', class: 'small', 'aria-expanded': 'false', 'aria-label': `Explain ${name}`, onclick: toggle }, 'Explain')
  return { button, close }
}
