// Live: what the server is doing, from its own metrics.

import { request } from './api.js'
import { columns, lines, room } from './chart.js'
import { field, h, replace, select } from './dom.js'
import { bytes, count, percent, seconds, short } from './format.js'
import { ordered, tint } from './labels.js'
import { card, legend, tile } from './parts.js'
import { buckets, parse, quantile, since, sum, sumBy } from './prometheus.js'

const EVERY = 2
const KEEP = 150
// Quantiles need some requests to be of: those of the last half minute.
const WINDOW = 15

const readings = []
let body = null
let model = ''
let modelField = null
let timer = null

export function show(section) {
  if (!body) {
    body = h('div', { class: 'stack' })
    modelField = h('div', { class: 'live-model' })
    replace(section,
      h('div', { class: 'row apart' },
        h('div', {}, h('h1', { tabindex: '-1' }, 'Live'), h('p', { class: 'lead' }, 'Clients’ requests and images, the last five minutes. From the server’s own ', h('a', { href: 'metrics' }, 'metrics'), '.')),
        modelField),
      body)
  }
  clearInterval(timer)
  timer = setInterval(() => { if (!document.hidden) read() }, EVERY * 1000)
  read()
}

export function hide() {
  clearInterval(timer)
}

async function read() {
  let samples
  try {
    samples = parse(await (await request('metrics')).text())
  } catch (problem) {
    if (!readings.length) replace(body, h('p', { class: 'notice bad' }, problem.message))
    return
  }
  readings.push({ time: Date.now() / 1000, samples })
  if (readings.length > KEEP + WINDOW) readings.shift()
  chooseModel(samples)
  draw()
}

function chooseModel(samples) {
  const names = [...sumBy(samples, 'mien_queue_images', 'model').keys()].sort()
  if (modelField.dataset.names === names.join()) return
  modelField.dataset.names = names.join()
  const list = select({ onchange: () => { model = list.value; draw() } }, [['', 'all models'], ...names.map((name) => [name, name])], model)
  replace(modelField, field('Model', list))
}

const ofModel = (labels) => model === '' || labels.model === model
// What clients ask for answers with, here and in the inference protocol v2.
const answering = ({ route }) => route === '/v1/classify' || Boolean(route?.endsWith('/infer'))

/** What is drawn of the reading at `index`, beside the one before it and the one a window earlier. */
function figures(index) {
  const now = readings[index]
  const before = readings[index - 1]
  const early = readings[Math.max(0, index - WINDOW)]
  const rate = (name, matches) => (before ? Math.max(0, sum(now.samples, name, matches) - sum(before.samples, name, matches)) / (now.time - before.time) : null)
  const took = (samples) => buckets(samples, 'mien_http_request_duration_seconds', answering)
  const latency = index > 0 ? since(took(now.samples), took(early.samples)) : []
  return {
    time: now.time,
    requests: rate('mien_http_requests_total', answering),
    images: rate('mien_images_total', (labels) => ofModel(labels) && labels.outcome === 'ok'),
    // Counted in whole seconds, so over the window too.
    cpu: index > 0 ? Math.max(0, sum(now.samples, 'process_cpu_seconds_total') - sum(early.samples, 'process_cpu_seconds_total')) / (now.time - early.time) : null,
    p50: quantile(latency, 0.5),
    p99: quantile(latency, 0.99),
    queue: sum(now.samples, 'mien_queue_images', ofModel),
  }
}

function draw() {
  const first = Math.max(0, readings.length - KEEP)
  const all = readings.slice(first).map((_, index) => figures(first + index))
  const now = all.at(-1)
  const { samples } = readings.at(-1)
  const refused = ['rejected', 'expired', 'failed'].map((outcome) => [outcome, sum(samples, 'mien_images_total', (l) => ofModel(l) && l.outcome === outcome)])
  const trouble = refused.filter(([, value]) => value > 0).map(([name, value]) => `${count(value)} ${name}`)
  replace(body,
    h('dl', { class: 'tiles' },
      tile('Requests', short(now.requests), 'a second'),
      tile('Images', short(now.images), 'a second'),
      tile('Half within', seconds(now.p50), 'p50, last 30 s'),
      tile('99 % within', seconds(now.p99), 'p99, last 30 s'),
      tile('Waiting', count(now.queue), 'images in the queue'),
      tile('Processor', short(now.cpu), `cores · ${bytes(sum(samples, 'process_resident_memory_bytes'))} memory`)),
    trouble.length ? h('p', { class: 'notice bad' }, `Images not answered since the start: ${trouble.join(', ')}.`) : null,
    h('div', { class: 'panels' },
      overTime('Requests and images a second', all, [['requests', 'requests'], ['images', 'images']], short, 1),
      overTime('Time to answer', all, [['p50', 'p50'], ['p99', 'p99']], seconds, 0.01),
      overTime('Images that wait', all, [['queue', 'queue']], short, 4),
      batches(samples),
      mix(samples)))
}

/** How many panels stand side by side, as parts.css has them. */
function side() {
  if (matchMedia('(min-width: 1100px)').matches) return 3
  return matchMedia('(min-width: 760px)').matches ? 2 : 1
}

function overTime(title, all, keys, format, atLeast) {
  const last = all.at(-1).time
  const series = keys.map(([key, name]) => ({ name, points: all.map((row) => [row.time, row[key]]) }))
  const text = keys.map(([key, name]) => `${name} now ${format(all.at(-1)[key])}`).join(', ')
  return card(title,
    lines({ title: `${title}: ${text}`, series, xs: [last - KEEP * EVERY, last], format, atLeast, width: room(side()), xText: [[last - KEEP * EVERY, '5 min ago'], [last, 'now']] }),
    keys.length > 1 && legend(keys.map(([, name]) => name)))
}

function batches(samples) {
  const cumulative = buckets(samples, 'mien_batch_images', ofModel)
  const each = cumulative.map(([bound, total], index) => {
    const name = bound === Infinity ? `>${cumulative[index - 1]?.[0] ?? 0}` : bound > 2 ? `≤${bound}` : `${bound}`
    return [name, total - (index ? cumulative[index - 1][1] : 0)]
  })
  const total = cumulative.at(-1)?.[1] ?? 0
  const images = sum(samples, 'mien_batch_images_sum', ofModel)
  const mean = total ? `${short(images / total)} images in a batch on average, of ${count(total)} since the start, evaluations included.` : 'No batch has run yet.'
  return card('Batch sizes', columns({ title: `Batches by their images. ${mean}`, bars: each, format: compact, width: room(Math.min(2, side())) }), h('p', { class: 'dim' }, mean))
}

const compact = (value) => new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)

function mix(samples) {
  const sums = sumBy(samples, 'mien_predictions_total', 'label', ofModel)
  const total = [...sums.values()].reduce((a, b) => a + b, 0)
  if (!total) return card('Label mix', h('p', { class: 'empty' }, 'Nobody has asked yet.'))
  const rows = ordered(sums.keys()).map((label) => {
    const share = sums.get(label) / total
    const width = `${(share * 100).toFixed(1)}%`
    return [h('dt', {}, label), h('dd', {},
      h('span', { class: `track ${tint(label)}`, 'aria-hidden': 'true' }, h('span', { class: 'fill', style: { width } })),
      h('span', { class: 'number' }, percent(share, 1)))]
  })
  return card('Label mix', h('dl', { class: 'bars wide' }, rows), h('p', { class: 'dim' }, `${count(total)} answers to clients since the start.`))
}
