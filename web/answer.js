// One picture with its answer: the label, a bar for each probability, how long it took, and why.

import { h, replace, svg } from './dom.js'
import { explanation } from './explanation.js'
import { percent } from './format.js'
import { glyph, ordered, tint } from './labels.js'

/** A card for a file, and `settle(answer)` that fills it in. `explained(parameters)` hears of each explanation that is asked for. */
export function answerCard(file, explained) {
  const name = file.name || 'picture'
  const url = URL.createObjectURL(file)
  const image = h('img', { src: url, alt: name })
  const picture = h('div', { class: 'picture' }, image)
  const body = h('div', {}, h('p', { class: 'verdict' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), h('span', { class: 'dim' }, 'Looking …')))
  const element = h('article', { class: 'card answer', 'aria-label': name, 'aria-busy': 'true' }, picture, body)
  image.addEventListener('error', () => image.replaceWith(noPicture()))

  function settle(answer) {
    element.setAttribute('aria-busy', 'false')
    const close = h('button', { type: 'button', class: 'small quiet', 'aria-label': `Remove ${name}`, onclick: () => {
      why?.close()
      URL.revokeObjectURL(url)
      element.remove()
    } }, 'Remove')
    if (answer.problem) {
      replace(body, h('p', { class: 'verdict' }, 'Not classified'), h('p', { class: 'notice bad', role: 'alert' }, answer.problem.message))
      element.append(h('footer', {}, h('span', { class: 'dim' }, name), close))
      return
    }
    replace(body, verdict(answer.prediction), bars(answer.prediction))
    const open = h('button', { type: 'button', class: 'small', 'aria-expanded': 'false', 'aria-label': `Why? ${name}`, onclick: () => toggle(open, answer) }, 'Why?')
    element.append(h('footer', {}, h('span', { class: 'dim', title: name }, origin(answer)), open, close))
  }

  let why = null
  function toggle(button, answer) {
    if (why) {
      why.close()
      why.map.remove()
      why.element.remove()
      why = null
    } else {
      const { model, version } = answer
      why = explanation(file, answer, (label) => explained({ model, version, label }))
      picture.append(why.map)
      body.after(why.element)
    }
    element.classList.toggle('explained', why !== null)
    button.setAttribute('aria-expanded', String(why !== null))
  }
  return { element, settle }
}

/** A sheet of paper in place of what is no picture. */
function noPicture() {
  return svg('svg', { viewBox: '0 0 24 24', class: 'no-picture', 'aria-hidden': 'true' },
    svg('path', { d: 'M7 4h7l4 4v12H7zM14 4v4h4M10 13l5 5M15 13l-5 5' }))
}

function verdict({ label, confidence }) {
  return h('p', { class: 'verdict' }, glyph(label, 30), h('span', { data: { role: 'label' } }, label), h('span', { class: 'dim' }, percent(confidence, 1)))
}

function bars({ label, probabilities }) {
  const rows = ordered(Object.keys(probabilities)).map((name) => {
    const width = `${(probabilities[name] * 100).toFixed(1)}%`
    const top = name === label ? 'top-label' : ''
    return [
      h('dt', { class: top }, name),
      h('dd', {},
        h('span', { class: `track ${tint(name)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
        h('span', { class: `number ${top}` }, percent(probabilities[name], 1))),
    ]
  })
  return h('dl', { class: 'bars' }, rows)
}

function origin({ model, version, timing }) {
  const time = timing.inference === undefined ? '' : ` · ${timing.inference.toFixed(1)} ms in the model`
  return `${model} v${version}${time}`
}
