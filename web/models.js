// The view "Models": the versions on disk and in memory, how they are served, and buttons to load, unload, pin and promote.

import { get, post, request } from './api.js'
import { descriptionList } from './components.js'
import { h, replace, toast } from './dom.js'
import { driftBadge, driftPanel } from './drift.js'
import { engineName, engineTable } from './engines.js'
import { count, dateTime, percent } from './format.js'
import { poll } from './polling.js'
import { openPromotionDialog } from './promotion-dialog.js'
import { hidePromotions, promotionPanel } from './promotions.js'
import { shadowPanel } from './shadow.js'
import { tuningCurves } from './tuning.js'

let list = null
let shown = new AbortController()
let rendered = ''

export function show(section) {
  if (!list) {
    list = h('div', { class: 'stack', 'aria-live': 'polite' })
    replace(section,
      h('h1', { tabindex: '-1' }, 'Models'),
      h('p', { class: 'lead' }, 'The models in the model repository of this server. Loading a new version does not interrupt requests.'),
      list)
  }
  rendered = ''
  shown.abort()
  shown = new AbortController()
  poll(refresh, 5, shown.signal)
}

export function hide() {
  shown.abort()
  hidePromotions()
}

async function refresh() {
  try {
    const { models } = await get('v1/models')
    const details = await Promise.all(models.map(({ name }) => get(modelPath(name))))
    const text = JSON.stringify(details)
    if (text === rendered) return
    rendered = text
    const open = new Set([...list.querySelectorAll('details[open]')].map((element) => element.id))
    replace(list, details.length ? details.map(modelCard) : h('p', { class: 'empty' }, 'The model repository is empty.'))
    for (const element of list.querySelectorAll('details')) element.open = open.has(element.id)
  } catch (problem) {
    rendered = ''
    replace(list, h('p', { class: 'notice bad' }, problem.message))
  }
}

const modelPath = (name) => `v1/models/${encodeURIComponent(name)}`

function modelCard(model) {
  const isServing = model.versions.some(({ status }) => status === 'ready')
  return h('article', { class: 'card stack', 'aria-label': model.name },
    h('div', { class: 'row between' },
      h('div', { class: 'row' }, h('h2', { class: 'plain' }, model.name),
        model.default && h('span', { class: 'badge busy' }, 'default'),
        model.aliases.map(({ alias, version }) => h('span', { class: 'badge' }, version ? `${alias} → ${version}` : alias))),
      h('div', { class: 'row' },
        loadButton(model, isServing),
        model.pinned ? unpinButton(model) : isServing && pinButton(model),
        isServing && unloadButton(model))),
    promotionPanel(model.name, refresh),
    model.shadow && shadowPanel(model.shadow),
    model.versions.toReversed().map((version) => versionSection(model, version)))
}

function loadButton({ name }, isServing) {
  return actionButton(isServing ? 'Reload' : 'Load', name, async () => {
    await post(`${modelPath(name)}/load`)
    return `${name} is loaded.`
  })
}

function unloadButton({ name }) {
  const button = actionButton('Unload', name, async () => {
    await post(`${modelPath(name)}/unload`)
    return `${name} is unloaded.`
  }, `Unload ${name}? Requests for it fail until it is loaded again.`)
  button.classList.add('danger')
  return button
}

/** Pins the serving version, so that a newer version does not replace it automatically. */
function pinButton({ name }) {
  return actionButton('Pin', name, async () => {
    const { serving } = await setPin(name, 'PUT')
    return `${name} is pinned to version ${serving}.`
  })
}

function unpinButton({ name }) {
  return actionButton('Unpin', name, async () => {
    const { serving } = await setPin(name, 'DELETE')
    return `${name} is unpinned; version ${serving} serves.`
  }, `Unpin ${name}? Its newest version serves then, unless --version-policy selects another one.`)
}

async function setPin(name, method) {
  return (await request(`${modelPath(name)}/pin`, { method })).json()
}

/** A button that asks `question`, if there is one, runs `action` and shows the message that it returns. */
function actionButton(text, name, action, question = null) {
  const button = h('button', { type: 'button', class: 'small', 'aria-label': `${text}: ${name}`, onclick: async () => {
    if (question && !confirm(question)) return
    button.disabled = true
    try {
      toast(await action())
    } catch (problem) {
      toast(problem.message, 'bad')
    }
    button.disabled = false
    refresh()
  } }, text)
  return button
}

const STATUS_CLASSES = { ready: 'good', loading: 'busy', failed: 'bad' }

function versionSection(model, version) {
  const accuracy = version.accuracy?.test
  const canPromote = model.serving && model.serving !== version.version
  return h('div', { class: 'version' },
    h('div', { class: 'row' },
      h('h3', { class: 'plain' }, `Version ${version.version}`),
      h('span', { class: `badge ${STATUS_CLASSES[version.status] ?? ''}` }, version.status),
      model.serving === version.version && h('span', { class: 'badge busy' }, 'serving'),
      model.pinned === version.version && h('span', { class: 'badge' }, 'pinned'),
      driftBadge(version.drift),
      accuracy !== undefined && h('span', { class: 'dim' }, `${percent(accuracy)} test accuracy, from the model file`),
      canPromote && h('button', { type: 'button', class: 'small', 'aria-label': `Promote version ${version.version} of ${model.name}`,
        onclick: () => openPromotionDialog(model, version.version) }, 'Promote …')),
    version.reason && h('p', { class: 'notice bad' }, version.reason),
    version.serving && servingDetails(version),
    version.serving && h('details', { id: `more-${model.name}-${version.version}` },
      h('summary', {}, 'Drift, tuning, recipe, file'), fileDetails(version)))
}

function servingDetails({ architecture, parameters, members, input, serving, accuracy }) {
  const accuracies = Object.entries(accuracy ?? {}).filter(([name]) => name !== 'test').map(([name, value]) => `${name} ${percent(value)}`)
  const { instances, intra_op_threads: threads, device, engine, precision, max_batch, max_queue_size } = serving
  const layout = `${plural(instances, 'instance')} with ${plural(threads, 'thread')} on ${device}`
  return descriptionList([
    ['Architecture', [architecture ?? 'unknown', parameters && `${count(parameters)} parameters`].filter(Boolean).join(' · ')],
    members && ['Members', members.map(({ name, version, weight }) => `${name}@${version} ${percent(weight)}`).join(' · ')],
    ['Input', `${input.datatype} ${input.shape.join(' × ')}`],
    ['Engine', `${engineName(engine)}, ${precision}`],
    ['Serving', `${layout}, batches of up to ${plural(max_batch, 'image')}, queue for ${count(max_queue_size)} images`],
    accuracies.length > 0 && ['Accuracy by split', accuracies.join(' · ')],
  ])
}

const plural = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`

function fileDetails({ drift, serving, recipe, trained_on, created, sha256, temperature, labels }) {
  return h('div', { class: 'stack more' },
    drift && driftPanel(drift),
    tuningCurves(serving.tuning),
    engineTable(serving),
    descriptionList([
      ['Labels', labels.join(', ')],
      trained_on && ['Trained on', trained_on],
      temperature && ['Temperature', temperature.toFixed(4)],
      created && ['Exported', dateTime(created)],
      ['SHA-256', h('code', {}, sha256)],
    ]),
    recipe && h('div', {}, h('h3', {}, 'Recipe'), h('pre', { class: 'recipe', tabindex: '0' }, JSON.stringify(recipe, null, 2))))
}
