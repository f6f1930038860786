// Promotions: a form for each version, the progress of the one that runs, and what became of those before.

import { get, post, remove } from './api.js'
import { field, h, replace, select, toast } from './dom.js'
import { count, percent, when } from './format.js'
import { subject } from './parts.js'

const path = (model) => `v1/models/${encodeURIComponent(model)}/promotions`
const MOST = 20
const FINAL = { promoted: 'good', rejected: 'bad', failed: 'bad', cancelled: '' }
const STEPS = { queued: 'waiting for its turn', loading: 'being loaded', evaluating: 'being evaluated' }

/** What a model's card tells of its promotions. It keeps itself up to date while it is shown. */
class Panel {
  constructor(model, changed) {
    this.model = model
    this.changed = changed
    this.now = h('div')
    this.past = h('div')
    this.element = h('div', { class: 'stack', hidden: true }, this.now, this.past)
    this.running = null
    this.known = []
    this.drawn = ''
  }

  start() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.refresh(), 0)
  }

  stop() {
    clearTimeout(this.timer)
    this.timer = null
  }

  /** Follows one that was just ordered to its end, however soon that is. */
  follow(promotion) {
    this.draw([promotion, ...this.known])
    this.start()
  }

  async refresh() {
    if (!document.hidden) await get(`${path(this.model)}?limit=${MOST}`).then(({ promotions }) => this.draw(promotions), () => {})
    // Hidden meanwhile: nobody looks.
    if (this.timer === null) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.refresh(), this.running ? 1000 : 5000)
  }

  draw(promotions) {
    this.known = promotions
    const running = promotions.find(({ status }) => !(status in FINAL))
    const ended = this.running && promotions.find(({ id, status }) => id === this.running.id && status in FINAL)
    if (ended) {
      toast(`${this.model}, version ${ended.version}: ${ended.status}. ${ended.reason ?? ''}`, ended.status === 'promoted' ? 'info' : 'bad')
      this.changed()
    }
    if (running?.status !== this.running?.status) this.changed()
    if (!running) replace(this.now)
    else if (running.id !== this.running?.id) replace(this.now, this.progress(running))
    if (running) this.advance(running)
    this.running = running ?? null

    this.element.hidden = promotions.length === 0

    const past = promotions.filter(({ status }) => status in FINAL)
    const text = JSON.stringify(past)
    if (text === this.drawn) return
    this.drawn = text
    const open = ended || this.past.querySelector('details')?.open
    replace(this.past, past.length > 0 && h('details', { open },
      h('summary', {}, past.length < MOST ? `Past promotions (${past.length})` : `The last ${MOST} promotions`),
      h('div', { class: 'stack more' }, past.map(row))))
  }

  progress({ id, version, previous }) {
    this.bar = h('progress', { 'aria-label': `Promotion of version ${version}` })
    this.text = h('small', {})
    this.step = h('strong', { role: 'status' })
    const cancel = h('button', { type: 'button', class: 'small', 'aria-label': `Cancel the promotion of version ${version} of ${this.model}`, onclick: async () => {
      cancel.disabled = true
      await remove(`${path(this.model)}/${id}`).catch((problem) => toast(problem.message, 'bad'))
      this.refresh()
    } }, 'Cancel')
    return h('div', { class: 'version' },
      h('div', { class: 'row apart' }, this.step, cancel), this.bar, this.text,
      h('p', { class: 'dim plain' }, `Version ${previous} serves all the while.`))
  }

  advance(promotion) {
    const { version, status, images } = promotion
    const step = `Version ${version} is ${STEPS[status] ?? status}`
    if (this.step.textContent !== step) this.step.textContent = step
    this.bar.max = Math.max(images.total, 1)
    this.bar.value = images.done
    this.text.textContent = `${count(images.done)} of ${count(images.total)} images · ${subject(promotion)} · ${rule(promotion)}`
  }
}

const panels = new Map()

/** The panel of a model, the same one each time; `changed` hears when the model may be another one. */
export function promotionsOf(model, changed) {
  if (!panels.has(model)) panels.set(model, new Panel(model, changed))
  const panel = panels.get(model)
  if (!panel.timer) panel.start()
  return panel.element
}

/** Nobody looks any more. */
export function hidePromotions() {
  for (const panel of panels.values()) panel.stop()
}

/** What a promotion asks for. */
function rule({ min_accuracy, max_regression, baseline_version }) {
  if (min_accuracy !== null) return `at least ${percent(min_accuracy)}`
  return `not worse than version ${baseline_version} by more than ${(max_regression * 100).toFixed(2)} points`
}

function row(promotion) {
  const { version, status, reason, finished, evaluation } = promotion
  return h('div', { class: 'version' },
    h('div', { class: 'row' }, h('strong', {}, `Version ${version}`), h('span', { class: `badge ${FINAL[status]}` }, status), h('span', { class: 'dim' }, when(finished)),
      evaluation && h('a', { href: `#evaluate/${evaluation}`, 'aria-label': `Evaluation of version ${version}` }, 'Evaluation')),
    h('p', { class: 'plain' }, reason),
    h('small', {}, [subject(promotion), rule(promotion)].join(' · ')))
}

/** Asks what a version must reach and orders its promotion. */
export async function askForPromotion(model, version) {
  let datasets
  try {
    datasets = (await get('v1/datasets')).datasets
  } catch (problem) {
    return toast(problem.message, 'bad')
  }
  const box = h('dialog', { class: 'card', 'aria-labelledby': 'promote-title' })
  const close = () => box.close()
  const title = h('h2', { id: 'promote-title' }, `Promote version ${version} of ${model.name}`)
  box.append(datasets.length ? form(model, version, datasets, title, close) : h('form', { method: 'dialog' }, title,
    h('p', { class: 'notice' }, 'This server knows no data set. Start it with ', h('code', {}, '--data NAME=DIR'), ' to promote on what a model is measured at.'),
    h('div', { class: 'row end' }, h('button', { type: 'submit' }, 'Close'))))
  box.addEventListener('close', () => box.remove())
  document.body.append(box)
  box.showModal()
}

const RULES = {
  max_regression: { text: ({ serving }) => `Not worse than version ${serving}, within a margin`, label: 'Points it may lose', value: '0.5', step: '0.1', hint: 'By the 95 % interval of the difference on the same images.' },
  min_accuracy: { text: () => 'An accuracy', label: 'Per cent at least', value: '70', step: '0.01', hint: 'Of the images that it gets right.' },
}

function form(model, version, datasets, title, close) {
  const dataset = select({ onchange: () => fillSplits() }, datasets.map(({ name }) => [name, name]))
  const split = h('select', {})
  const limit = h('input', { type: 'number', min: '1', step: '1', placeholder: 'all', inputmode: 'numeric' })
  const kind = select({ onchange: () => fillValue() }, Object.entries(RULES).map(([name, { text }]) => [name, text(model)]))
  const value = h('input', { type: 'number', min: '0', max: '100', required: true, inputmode: 'decimal' })
  const valueField = field('', value, ' ')
  const fillSplits = () => {
    const { splits } = datasets.find(({ name }) => name === dataset.value)
    const names = ['test', 'PublicTest', 'PrivateTest', 'train'].filter((name) => splits[name] > 0)
    replace(split, names.map((name) => h('option', { value: name }, `${name} (${count(splits[name])})`)))
  }
  const fillValue = () => {
    const { label, value: usual, step, hint } = RULES[kind.value]
    const [name, , note] = valueField.children
    name.textContent = label
    note.textContent = hint
    value.value = usual
    value.step = step
  }
  fillSplits()
  fillValue()
  const start = h('button', { type: 'submit', class: 'primary' }, 'Promote')
  const wrong = h('p', { class: 'notice bad', role: 'alert', hidden: true })
  const order = async (event) => {
    event.preventDefault()
    start.disabled = true
    wrong.hidden = true
    // Per cent with two digits, as a ratio that is written with four.
    const wanted = { version, dataset: dataset.value, split: split.value, [kind.value]: Number((Number(value.value) / 100).toFixed(6)) }
    if (limit.value) wanted.limit = Number(limit.value)
    try {
      const promotion = await post(path(model.name), wanted)
      close()
      panels.get(model.name)?.follow(promotion)
    } catch (problem) {
      wrong.textContent = problem.message
      wrong.hidden = false
    }
    start.disabled = false
  }
  return h('form', { onsubmit: order }, title,
    h('p', {}, `It is loaded beside version ${model.serving}, evaluated below live traffic, and takes over if it passes. Version ${model.serving} serves all the while.`),
    field('What it must reach', kind),
    h('div', { class: 'form' }, valueField, field('At most so many images', limit), field('Data set', dataset), field('Images', split)),
    wrong,
    h('div', { class: 'row end' },
      h('button', { type: 'button', class: 'quiet', onclick: close }, 'Cancel'), start))
}
