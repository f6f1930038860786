// Models: what is on disk and in memory, how it is served, and orders to load, unload, pin and promote.

import { get, post, request } from './api.js'
import { lines } from './chart.js'
import { h, replace, toast } from './dom.js'
import { count, percent, short, when } from './format.js'
import { facts, legend } from './parts.js'
import { askForPromotion, hidePromotions, promotionsOf } from './promotions.js'

let list = null
let timer = null

export function show(section) {
  if (!list) {
    list = h('div', { class: 'stack', 'aria-live': 'polite' })
    replace(section,
      h('h1', { tabindex: '-1' }, 'Models'),
      h('p', { class: 'lead' }, 'What this server has in its models folder. A version takes over once it has been opened and tried; no request fails meanwhile.'),
      list)
  }
  drawn = ''
  refresh()
  clearInterval(timer)
  timer = setInterval(() => { if (!document.hidden) refresh() }, 5000)
}

export function hide() {
  clearInterval(timer)
  hidePromotions()
}

let drawn = ''

async function refresh() {
  try {
    const { models } = await get('v1/models')
    const details = await Promise.all(models.map(({ name }) => get(`v1/models/${encodeURIComponent(name)}`)))
    const text = JSON.stringify(details)
    if (text === drawn) return
    drawn = text
    const open = new Set([...list.querySelectorAll('details[open]')].map((element) => element.id))
    replace(list, details.length ? details.map(modelCard) : h('p', { class: 'empty' }, 'The models folder is empty.'))
    for (const element of list.querySelectorAll('details')) element.open = open.has(element.id)
  } catch (problem) {
    drawn = ''
    replace(list, h('p', { class: 'notice bad' }, problem.message))
  }
}

function modelCard(model) {
  const serves = model.versions.some(({ status }) => status === 'ready')
  return h('article', { class: 'card stack', 'aria-label': model.name },
    h('div', { class: 'row apart' },
      h('div', { class: 'row' }, h('h2', { class: 'plain' }, model.name),
        model.default && h('span', { class: 'badge busy' }, 'default'),
        model.aliases.map(({ alias, version }) => h('span', { class: 'badge' }, version ? `${alias} → ${version}` : alias))),
      h('div', { class: 'row' },
        order(model, 'load', serves ? 'Load anew' : 'Load'),
        model.pinned ? pin(model, 'DELETE', 'Release the pin') : serves && pin(model, 'PUT', 'Pin'),
        serves && order(model, 'unload', 'Unload'))),
    promotionsOf(model.name, refresh),
    model.versions.toReversed().map((version) => versionPart(model, version)))
}

/** Keeps newer versions from taking the traffic by themselves, or lets them again. */
function pin(model, method, text) {
  const button = h('button', { type: 'button', class: 'small', 'aria-label': `${text}: ${model.name}`, onclick: async () => {
    if (method === 'DELETE' && !confirm(`Let the newest version of ${model.name} take the traffic, as --version-policy says?`)) return
    button.disabled = true
    try {
      const { serving } = await (await request(`v1/models/${encodeURIComponent(model.name)}/pin`, { method })).json()
      toast(method === 'PUT' ? `${model.name} is pinned to version ${serving}.` : `The pin is released; version ${serving} serves.`)
    } catch (problem) {
      toast(problem.message, 'bad')
    }
    button.disabled = false
    refresh()
  } }, text)
  return button
}

function order(model, verb, text) {
  const button = h('button', { type: 'button', class: `small ${verb === 'unload' ? 'danger' : ''}`, 'aria-label': `${text}: ${model.name}`, onclick: async () => {
    if (verb === 'unload' && !confirm(`Take ${model.name} out of service? Requests for it fail until it is loaded again.`)) return
    button.disabled = true
    try {
      await post(`v1/models/${encodeURIComponent(model.name)}/${verb}`)
      toast(verb === 'load' ? `${model.name} is loaded.` : `${model.name} is unloaded.`)
    } catch (problem) {
      toast(problem.message, 'bad')
    }
    button.disabled = false
    refresh()
  } }, text)
  return button
}

const STATES = { ready: 'good', loading: 'busy', failed: 'bad' }

function versionPart(model, version) {
  const accuracy = version.accuracy?.test
  return h('div', { class: 'version' },
    h('div', { class: 'row' },
      h('h3', { class: 'plain' }, `Version ${version.version}`),
      h('span', { class: `badge ${STATES[version.status] ?? ''}` }, version.status),
      model.serving === version.version && h('span', { class: 'badge busy' }, 'serving'),
      model.pinned === version.version && h('span', { class: 'badge' }, 'pinned'),
      accuracy !== undefined && h('span', { class: 'dim' }, `${percent(accuracy)} of its test faces, as its file says`),
      model.serving && model.serving !== version.version && h('button', { type: 'button', class: 'small', 'aria-label': `Promote version ${version.version} of ${model.name}`, onclick: () => askForPromotion(model, version.version) }, 'Promote …')),
    version.reason && h('p', { class: 'notice bad' }, version.reason),
    version.serving && served(version),
    version.serving && h('details', { id: `more-${model.name}-${version.version}` }, h('summary', {}, 'Tuning, recipe, file'), more(version)))
}

function served({ architecture, parameters, input, serving, accuracy }) {
  const splits = Object.entries(accuracy ?? {}).filter(([name]) => name !== 'test').map(([name, value]) => `${name} ${percent(value)}`)
  return facts([
    ['Network', [architecture ?? 'unknown', parameters && `${count(parameters)} parameters`].filter(Boolean).join(' · ')],
    ['Takes', `${input.datatype} ${input.shape.join(' × ')}`],
    ['Served by', `${serving.instances} × ${serving.intra_op_threads} ${serving.intra_op_threads === 1 ? 'core' : 'cores'} on ${serving.device}, batches of up to ${serving.max_batch}, ${count(serving.max_queue_size)} may wait`],
    splits.length > 0 && ['Recorded', splits.join(' · ')],
  ])
}

function more({ serving, recipe, trained_on, created, sha256, temperature, labels }) {
  return h('div', { class: 'stack more' },
    tuning(serving.tuning),
    facts([
      ['Labels', labels.join(', ')],
      trained_on && ['Trained on', trained_on],
      temperature && ['Temperature', temperature.toFixed(4)],
      created && ['Exported', when(created)],
      ['SHA-256', h('code', {}, sha256)],
    ]),
    recipe && h('div', {}, h('h3', {}, 'Recipe'), h('pre', { class: 'recipe', tabindex: '0' }, JSON.stringify(recipe, null, 2))))
}

const SOURCES = { measured: 'Measured at this start.', cached: 'Measured at an earlier start.',
  settings: 'As the settings say.',
  inherited: 'That of the version before.',
  default: 'The usual one for the device.' }

/** Images a second over batch size, a line for each layout of sessions and cores. */
function tuning({ source, points }) {
  if (!points?.length) return h('p', { class: 'dim' }, `Sessions, cores and batch size: ${(SOURCES[source] ?? source).toLowerCase()}`)
  const layouts = Map.groupBy(points, ({ instances, intra_op_threads }) => `${instances} × ${intra_op_threads}`)
  const batches = [...new Set(points.map((point) => point.batch))].sort((a, b) => a - b)
  const series = [...layouts].map(([name, all]) => ({
    name, points: all.map((p) => [Math.log2(p.batch), p.images_per_second, `${name} cores, batch ${p.batch}: ${short(p.images_per_second)} images/s`]).sort(([a], [b]) => a - b),
  }))
  const xs = [Math.log2(batches[0]), Math.log2(batches.at(-1))]
  const best = points.reduce((a, b) => (b.images_per_second > a.images_per_second ? b : a))
  const note = `${SOURCES[source] ?? source} Best: ${short(best.images_per_second)} images/s with ${best.instances} × ${best.intra_op_threads} cores, batches of ${best.batch}.`
  return h('div', {}, h('h3', {}, 'Images a second by batch size; sessions × cores'),
    h('div', { class: 'half' }, lines({ title: note, series, xs, format: short, dots: true, xText: batches.map((batch) => [Math.log2(batch), `${batch}`]) }), legend(series.map(({ name }) => name))),
    h('p', { class: 'dim' }, note))
}
