// One evaluation: its progress while it runs, its report when it has succeeded.

import { get, remove } from './api.js'
import { h, replace, toast } from './dom.js'
import { count, duration, percent, short, when } from './format.js'
import { back, STATES, subject, tile, title } from './parts.js'
import { drawReport } from './report.js'

let events = null

export async function showEvaluation(section, id) {
  replace(section, back(), h('h1', { tabindex: '-1' }, 'Evaluation'), h('p', { class: 'dim' }, 'Reading …'))
  try {
    draw(section, await get(`v1/evaluations/${encodeURIComponent(id)}`))
  } catch (problem) {
    replace(section, back(), h('h1', { tabindex: '-1' }, 'Evaluation'), h('p', { class: 'notice bad' }, problem.message))
  }
}

export function hideEvaluation() {
  events?.close()
  events = null
}

function draw(section, evaluation) {
  const { id, status, error, finished, created } = evaluation
  const path = `v1/evaluations/${id}`
  const content = h('div', { class: 'stack' })
  const links = status === 'succeeded' && h('div', { class: 'row' },
    h('a', { class: 'button small', href: `${path}/report?format=html`, target: '_blank', rel: 'noopener' }, 'Report'),
    h('a', { class: 'button small', href: `${path}/predictions`, download: `${id}.csv` }, 'Predictions'))
  replace(section, back(),
    h('div', { class: 'row apart head' },
      h('div', {}, h('h1', { tabindex: '-1' }, title(evaluation)),
        h('p', { class: 'lead' }, `${subject(evaluation)} · ${when(finished ?? created)}`)),
      links || h('span', { class: `badge ${STATES[status] ?? ''}`, id: 'status' }, status)),
    content)
  if (status === 'succeeded') return replace(content, drawReport(evaluation))
  if (status === 'queued' || status === 'running') return watch(section, content, evaluation)
  return replace(content, h('p', { class: `notice ${status === 'failed' ? 'bad' : ''}` }, error ?? 'It was cancelled.'))
}

/** Shows progress as it happens; the browser connects again by itself where the connection is lost. */
function watch(section, content, { id, images }) {
  const bar = h('progress', { max: images.total, value: images.done, 'aria-label': 'Images done' })
  const numbers = h('dl', { class: 'tiles' })
  const spoken = h('p', { class: 'unseen', role: 'status' })
  const cancel = h('button', { type: 'button', class: 'small', onclick: () => remove(`v1/evaluations/${id}`).catch((problem) => toast(problem.message, 'bad')) }, 'Cancel')
  replace(content, h('section', { class: 'card stack' }, bar, numbers, spoken, h('div', { class: 'row end' }, cancel)))
  let tenth = -1
  const progress = ({ data }) => {
    const now = JSON.parse(data)
    bar.max = now.images.total
    bar.value = now.images.done
    const status = document.getElementById('status')
    if (status) {
      status.textContent = now.status
      status.className = `badge ${STATES[now.status] ?? ''}`
    }
    replace(numbers,
      tile('Done', `${count(now.images.done)}`, `of ${count(now.images.total)} images`),
      tile('Accuracy so far', percent(now.accuracy, 1)),
      tile('Speed', short(now.images_per_second), 'images a second'),
      tile('Time left', duration(now.eta_seconds)))
    // A screen reader hears of every tenth, not of four events a second.
    const reached = Math.floor((10 * now.images.done) / now.images.total)
    if (reached !== tenth) spoken.textContent = `${reached * 10} percent done`
    tenth = reached
  }
  events = new EventSource(`v1/evaluations/${id}/events`)
  events.addEventListener('progress', progress)
  events.addEventListener('end', () => {
    hideEvaluation()
    if (!section.hidden && location.hash === `#evaluate/${id}`) showEvaluation(section, id)
  })
}
