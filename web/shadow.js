// Shadow: how often a candidate predicts the labels of the serving version for images of clients.

import { descriptionList, interval, table } from './components.js'
import { h } from './dom.js'
import { count, latency, percent } from './format.js'

const STATUS_CLASSES = { loading: 'busy', running: 'busy', ended: '', failed: 'bad' }
const MAX_FLIPS = 10

export function shadowPanel({ candidate, version, share, status, reason, images, agreement, interval: bounds, flips,
  serving_inference: serving, candidate_inference: other }) {
  return h('div', { class: 'shadow' },
    h('div', { class: 'row' }, h('h3', { class: 'plain' }, 'Shadow'), h('span', { class: `badge ${STATUS_CLASSES[status] ?? ''}` }, status)),
    h('p', { class: 'dim' }, `Candidate ${candidate}, compared with version ${version} on ${percent(share, 0)} of the images of clients.`,
      reason && ` ${status}: ${reason}.`),
    descriptionList([
      ['Images', `${count(images.compared)} compared, ${count(images.failed)} failed, ${count(images.dropped)} dropped`],
      agreement !== null && ['Same label', `${percent(agreement)} (95 % interval ${interval(bounds)})`],
      serving && ['Inference per image', `serving version: median ${time(serving.p50_ms)}, 99 % quantile ${time(serving.p99_ms)}; `
        + `candidate: median ${time(other.p50_ms)}, 99 % quantile ${time(other.p99_ms)}`],
    ]),
    flips.length > 0 && table('Most frequent different labels', ['Serving version', 'Candidate', 'Images'],
      flips.slice(0, MAX_FLIPS).map((flip) => [flip.serving, flip.candidate, count(flip.images)])))
}

const time = (milliseconds) => latency(milliseconds / 1000)
