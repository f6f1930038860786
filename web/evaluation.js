// One evaluation: its progress while it runs, its report after it has succeeded.

import { get, remove } from './api.js'
import { backLink, datasetTitle, modelTitle, STATUS_CLASSES, tile } from './components.js'
import { fileLink } from './credentials.js'
import { h, replace, toast } from './dom.js'
import { receiveEvents } from './events.js'
import { count, dateTime, duration, percent, threeDigits } from './format.js'
import { loadWithRetry, pause } from './polling.js'
import { report } from './report.js'

/** Shows an evaluation until `signal` is aborted. */
export function showEvaluation(section, id, signal) {
  const head = [backLink(), h('h1', { tabindex: '-1' }, 'Evaluation')]
  replace(section, head, h('p', { class: 'dim' }, 'Loading …'))
  const load = async () => render(section, await get(`v1/evaluations/${encodeURIComponent(id)}`, { signal }), signal)
  loadWithRetry(load, (problem) => replace(section, head, h('p', { class: 'notice bad' }, problem.message)), signal)
}

function render(section, evaluation, signal) {
  const { id, status, error, finished, created } = evaluation
  const path = `v1/evaluations/${id}`
  const content = h('div', { class: 'stack' })
  const links = status === 'succeeded' && h('div', { class: 'row' },
    fileLink(`${path}/report?format=html`, `${id}.html`, { class: 'button small', target: '_blank', rel: 'noopener' }, 'Report'),
    fileLink(`${path}/predictions`, `${id}.csv`, { class: 'button small', download: `${id}.csv` }, 'Predictions'))
  replace(section, backLink(),
    h('div', { class: 'row between head' },
      h('div', {}, h('h1', { tabindex: '-1' }, modelTitle(evaluation)),
        h('p', { class: 'lead' }, `${datasetTitle(evaluation)} · ${dateTime(finished ?? created)}`)),
      links || h('span', { class: `badge ${STATUS_CLASSES[status] ?? ''}`, id: 'status' }, status)),
    content)
  if (status === 'succeeded') return replace(content, report(evaluation))
  if (status === 'queued' || status === 'running') return showProgress(section, content, evaluation, signal)
  return replace(content, h('p', { class: `notice ${status === 'failed' ? 'bad' : ''}` }, error ?? 'The evaluation was cancelled.'))
}

/** Shows live progress until the evaluation ends, and then its result. */
function showProgress(section, content, { id, images }, signal) {
  const bar = h('progress', { max: images.total, value: images.done, 'aria-label': 'Evaluated images' })
  const numbers = h('dl', { class: 'tiles' })
  const announcement = h('p', { class: 'visually-hidden', role: 'status' })
  const cancel = h('button', { type: 'button', class: 'small',
    onclick: () => remove(`v1/evaluations/${id}`).catch((problem) => toast(problem.message, 'bad')) }, 'Cancel')
  replace(content, h('section', { class: 'card stack' }, bar, numbers, announcement, h('div', { class: 'row end' }, cancel)))
  let announcedTenth = -1
  const update = (data) => {
    const progress = JSON.parse(data)
    bar.max = progress.images.total
    bar.value = progress.images.done
    const status = document.getElementById('status')
    if (status) {
      status.textContent = progress.status
      status.className = `badge ${STATUS_CLASSES[progress.status] ?? ''}`
    }
    replace(numbers,
      tile('Evaluated', `${count(progress.images.done)}`, `of ${count(progress.images.total)} images`),
      tile('Accuracy so far', percent(progress.accuracy, 1)),
      tile('Speed', threeDigits(progress.images_per_second), 'images per second'),
      tile('Time left', duration(progress.eta_seconds)))
    // Four events arrive per second; a screen reader announces only every tenth of the images.
    const tenth = Math.floor((10 * progress.images.done) / progress.images.total)
    if (tenth !== announcedTenth) announcement.textContent = `${tenth * 10} percent evaluated`
    announcedTenth = tenth
  }
  let hasEnded = false
  receiveEvents(`v1/evaluations/${id}/events`, { progress: update, end: () => { hasEnded = true } }, signal)
    .catch(() => {})
    .then(() => hasEnded || signal.aborted || pause())
    .then(() => { if (!signal.aborted) showEvaluation(section, id, signal) })
}
