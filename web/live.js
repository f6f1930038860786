// The view "Live": the traffic of the server, computed from its metrics.

import { request } from './api.js'
import { barChart, cardWidth, lineChart } from './chart.js'
import { card, legend, tile } from './components.js'
import { fileLink } from './credentials.js'
import { field, h, replace, select } from './dom.js'
import { bytes, count, latency, percent, threeDigits } from './format.js'
import { labelColor, sortLabels } from './labels.js'
import { poll } from './polling.js'
import { buckets, increase, parse, quantile, sum, sumBy } from './prometheus.js'

const POLL_SECONDS = 2
// Samples in a chart: five minutes.
const CHART_SAMPLES = 150
// Samples that a quantile is computed over: half a minute, because two seconds may contain few requests.
const WINDOW_SAMPLES = 15

const history = []
let body = null
let model = ''
let modelField = null
let shown = new AbortController()

export function show(section) {
  if (!body) {
    body = h('div', { class: 'stack' })
    modelField = h('div', { class: 'live-model' })
    replace(section,
      h('div', { class: 'row between' },
        h('div', {}, h('h1', { tabindex: '-1' }, 'Live'),
          h('p', { class: 'lead' }, 'Requests of clients in the last five minutes, from the ', fileLink('metrics', 'metrics.txt', {}, 'metrics'), ' of the server.')),
        modelField),
      body)
  }
  hide()
  shown = new AbortController()
  poll(update, POLL_SECONDS, shown.signal)
}

export function hide() {
  shown.abort()
}

async function update() {
  let samples
  try {
    samples = parse(await (await request('metrics')).text())
  } catch (problem) {
    if (!history.length) replace(body, h('p', { class: 'notice bad' }, problem.message))
    return
  }
  history.push({ time: Date.now() / 1000, samples })
  if (history.length > CHART_SAMPLES + WINDOW_SAMPLES) history.shift()
  updateModelField(samples)
  render()
}

function updateModelField(samples) {
  const names = [...sumBy(samples, 'mien_queue_images', 'model').keys()].sort()
  if (modelField.dataset.names === names.join()) return
  modelField.dataset.names = names.join()
  const options = [['', 'all models'], ...names.map((name) => [name, name])]
  const list = select({ onchange: () => { model = list.value; render() } }, options, model)
  replace(modelField, field('Model', list))
}

const isOfModel = (labels) => model === '' || labels.model === model
// Images of clients, without those of evaluations and explanations.
const isLive = (labels) => isOfModel(labels) && labels.priority === 'live'
// The images of the face detector are photos. Their faces count as images of the model that classifies them.
const DETECTOR = 'yunet'
const isClassified = (labels) => isLive(labels) && labels.outcome === 'ok' && (model !== '' || labels.model !== DETECTOR)
// The routes that classify, of the API and of the Open Inference Protocol.
const isInference = ({ route }) => ['/v1/classify', '/v1/faces'].includes(route) || Boolean(route?.endsWith('/infer'))

/** Computes the values at `index` from this sample, the one before it, and the one at the start of the window. */
function valuesAt(index) {
  const now = history[index]
  const previous = history[index - 1]
  const windowStart = history[Math.max(0, index - WINDOW_SAMPLES)]
  const rateSince = (start, name, matches) => (
    start ? Math.max(0, sum(now.samples, name, matches) - sum(start.samples, name, matches)) / (now.time - start.time) : null)
  // Rejected requests are quick and would hide slow ones.
  const isSuccess = (labels) => isInference(labels) && labels.status_class === '2xx'
  const durations = ({ samples }) => buckets(samples, 'mien_http_request_duration_seconds', isSuccess)
  const inWindow = index > 0 ? increase(durations(now), durations(windowStart)) : []
  return {
    time: now.time,
    requests: rateSince(previous, 'mien_http_requests_total', isInference),
    images: rateSince(previous, 'mien_images_total', isClassified),
    // The counter has a resolution of one second, which is too coarse for two samples.
    cpu: rateSince(index > 0 ? windowStart : null, 'process_cpu_seconds_total'),
    p50: quantile(inWindow, 0.5),
    p99: quantile(inWindow, 0.99),
    queue: sum(now.samples, 'mien_queue_images', isLive),
  }
}

function render() {
  const first = Math.max(0, history.length - CHART_SAMPLES)
  const values = history.slice(first).map((_, index) => valuesAt(first + index))
  const now = values.at(-1)
  const { samples } = history.at(-1)
  const unanswered = ['rejected', 'expired', 'failed']
    .map((outcome) => [outcome, sum(samples, 'mien_images_total', (labels) => isLive(labels) && labels.outcome === outcome)])
    .filter(([, images]) => images > 0)
    .map(([outcome, images]) => `${count(images)} ${outcome}`)
  replace(body,
    h('dl', { class: 'tiles' },
      tile('Requests', threeDigits(now.requests), 'per second'),
      tile('Images', threeDigits(now.images), 'per second'),
      tile('Latency p50', latency(now.p50), 'median, last 30 s'),
      tile('Latency p99', latency(now.p99), '99th percentile, last 30 s'),
      tile('Queue', count(now.queue), 'images waiting'),
      tile('CPU', threeDigits(now.cpu), `cores · ${bytes(sum(samples, 'process_resident_memory_bytes'))} memory`)),
    unanswered.length ? h('p', { class: 'notice bad' }, `Images without a result since the start: ${unanswered.join(', ')}.`) : null,
    h('div', { class: 'panels' },
      timeChart('Requests and images per second', values, [['requests', 'requests'], ['images', 'images']], threeDigits, 1),
      timeChart('Latency', values, [['p50', 'p50'], ['p99', 'p99']], latency, 0.01),
      timeChart('Queued images', values, [['queue', 'queue']], threeDigits, 4),
      batchSizes(samples),
      predictedLabels(samples)))
}

/** Returns the number of panels in a row, as components.css defines it. */
function panelsPerRow() {
  if (matchMedia('(min-width: 1100px)').matches) return 3
  return matchMedia('(min-width: 760px)').matches ? 2 : 1
}

function timeChart(title, values, keys, format, minYMax) {
  const last = values.at(-1).time
  const start = last - CHART_SAMPLES * POLL_SECONDS
  const series = keys.map(([key, name]) => ({ name, points: values.map((row) => [row.time, row[key]]) }))
  const current = keys.map(([key, name]) => `${name} now ${format(values.at(-1)[key])}`).join(', ')
  return card(title,
    lineChart({ title: `${title}: ${current}`, series, xRange: [start, last], xLabels: [[start, '5 min ago'], [last, 'now']],
      format, minYMax, width: cardWidth(panelsPerRow()) }),
    keys.length > 1 && legend(keys.map(([, name]) => name)))
}

function batchSizes(samples) {
  const cumulative = buckets(samples, 'mien_batch_images', isLive)
  const bars = cumulative.map(([bound, total], index) => {
    const name = bound === Infinity ? `>${cumulative[index - 1]?.[0] ?? 0}` : bound > 2 ? `≤${bound}` : `${bound}`
    return [name, total - (index ? cumulative[index - 1][1] : 0)]
  })
  const batches = cumulative.at(-1)?.[1] ?? 0
  const images = sum(samples, 'mien_batch_images_sum', isLive)
  const note = batches
    ? `Mean: ${threeDigits(images / batches)} images. ${count(batches)} batches since the start.`
    : 'No batches yet.'
  return card('Batch sizes',
    barChart({ title: `Number of batches by size. ${note}`, bars, format: compact, width: cardWidth(Math.min(2, panelsPerRow())) }),
    h('p', { class: 'dim' }, note))
}

const compact = (value) => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

function predictedLabels(samples) {
  const sums = sumBy(samples, 'mien_predictions_total', 'label', isOfModel)
  const total = [...sums.values()].reduce((a, b) => a + b, 0)
  if (!total) return card('Predicted expressions', h('p', { class: 'empty' }, 'No predictions yet.'))
  const rows = sortLabels(sums.keys()).map((label) => {
    const share = sums.get(label) / total
    const width = `${(share * 100).toFixed(1)}%`
    return [h('dt', {}, label), h('dd', {},
      h('span', { class: `track ${labelColor(label)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
      h('span', { class: 'number' }, percent(share, 1)))]
  })
  return card('Predicted expressions', h('dl', { class: 'bars wide' }, rows),
    h('p', { class: 'dim' }, `${count(total)} predictions for clients since the start.`))
}
