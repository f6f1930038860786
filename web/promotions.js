// The promotions of a model: the progress of the running one and the results of earlier ones.

import { get, remove } from './api.js'
import { datasetTitle } from './components.js'
import { h, replace, toast } from './dom.js'
import { count, dateTime, percent } from './format.js'

export const promotionsPath = (model) => `v1/models/${encodeURIComponent(model)}/promotions`

const MAX_LISTED = 20
const FINAL_STATUS_CLASSES = { promoted: 'good', rejected: 'bad', failed: 'bad', cancelled: '' }
const ACTIVITIES = { queued: 'queued', loading: 'being loaded', evaluating: 'being evaluated' }

const isFinal = ({ status }) => status in FINAL_STATUS_CLASSES

/** The promotions on the card of a model. The panel polls the server while it is shown. */
class Panel {
  constructor(model, onChange) {
    this.model = model
    this.onChange = onChange
    this.progress = h('div')
    this.past = h('div')
    this.element = h('div', { class: 'stack', hidden: true }, this.progress, this.past)
    this.running = null
    this.promotions = []
    this.renderedPast = ''
  }

  start() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.refresh(), 0)
  }

  stop() {
    clearTimeout(this.timer)
    this.timer = null
  }

  /** Shows a promotion that was just created, so that its end is reported even if it ends before the next poll. */
  follow(promotion) {
    this.update([promotion, ...this.promotions])
    this.start()
  }

  async refresh() {
    if (!document.hidden) {
      const path = `${promotionsPath(this.model)}?limit=${MAX_LISTED}`
      await get(path).then(({ promotions }) => this.update(promotions), () => {})
    }
    const wasStopped = this.timer === null
    if (wasStopped) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.refresh(), this.running ? 1000 : 5000)
  }

  update(promotions) {
    this.promotions = promotions
    const running = promotions.find((promotion) => !isFinal(promotion))
    const ended = this.running && promotions.find((promotion) => promotion.id === this.running.id && isFinal(promotion))
    if (ended) {
      const { version, status, reason } = ended
      toast(`${this.model}, version ${version}: ${status}. ${reason ?? ''}`, status === 'promoted' ? 'info' : 'bad')
    }
    if (ended || running?.status !== this.running?.status) this.onChange()
    if (!running) replace(this.progress)
    else if (running.id !== this.running?.id) replace(this.progress, this.progressContent(running))
    if (running) this.updateProgress(running)
    this.running = running ?? null
    this.element.hidden = promotions.length === 0
    this.updatePast(promotions.filter(isFinal), Boolean(ended))
  }

  updatePast(past, mustOpen) {
    const text = JSON.stringify(past)
    if (text === this.renderedPast) return
    this.renderedPast = text
    const open = mustOpen || this.past.querySelector('details')?.open
    replace(this.past, past.length > 0 && h('details', { open },
      h('summary', {}, past.length < MAX_LISTED ? `Past promotions (${past.length})` : `The last ${MAX_LISTED} promotions`),
      h('div', { class: 'stack more' }, past.map(pastPromotion))))
  }

  progressContent({ id, version, previous }) {
    this.bar = h('progress', { 'aria-label': `Promotion of version ${version}` })
    this.detail = h('small', {})
    this.activity = h('strong', { role: 'status' })
    const cancel = h('button', { type: 'button', class: 'small', 'aria-label': `Cancel the promotion of version ${version} of ${this.model}`,
      onclick: async () => {
        cancel.disabled = true
        await remove(`${promotionsPath(this.model)}/${id}`).catch((problem) => toast(problem.message, 'bad'))
        this.refresh()
      } }, 'Cancel')
    return h('div', { class: 'version' },
      h('div', { class: 'row between' }, this.activity, cancel), this.bar, this.detail,
      h('p', { class: 'dim plain' }, `Version ${previous} serves until the promotion succeeds.`))
  }

  updateProgress(promotion) {
    const { version, status, images } = promotion
    const activity = `Version ${version} is ${ACTIVITIES[status] ?? status}`
    // A screen reader announces the status whenever it is set.
    if (this.activity.textContent !== activity) this.activity.textContent = activity
    this.bar.max = Math.max(images.total, 1)
    this.bar.value = images.done
    const progress = `${count(images.done)} of ${count(images.total)} images`
    this.detail.textContent = [progress, datasetTitle(promotion), criterion(promotion)].join(' · ')
  }
}

const panels = new Map()

/** Returns the panel of a model, always the same element. `onChange` is called when the versions of the model may have changed. */
export function promotionPanel(model, onChange) {
  if (!panels.has(model)) panels.set(model, new Panel(model, onChange))
  const panel = panels.get(model)
  if (!panel.timer) panel.start()
  return panel.element
}

/** Stops all polling because the view is hidden. */
export function hidePromotions() {
  for (const panel of panels.values()) panel.stop()
}

/** Shows a promotion that was just created. */
export function followPromotion(model, promotion) {
  panels.get(model)?.follow(promotion)
}

function criterion({ min_accuracy, max_regression, max_group_regression, baseline_version }) {
  if (min_accuracy !== null) return `accuracy of at least ${percent(min_accuracy)}`
  const all = `at most ${(max_regression * 100).toFixed(2)} points less accurate than version ${baseline_version}`
  return max_group_regression === null ? all : `${all}, ${(max_group_regression * 100).toFixed(2)} points in each group`
}

function pastPromotion(promotion) {
  const { version, status, reason, finished, evaluation } = promotion
  return h('div', { class: 'version' },
    h('div', { class: 'row' }, h('strong', {}, `Version ${version}`),
      h('span', { class: `badge ${FINAL_STATUS_CLASSES[status]}` }, status), h('span', { class: 'dim' }, dateTime(finished)),
      evaluation && h('a', { href: `#evaluate/${evaluation}`, 'aria-label': `Evaluation of version ${version}` }, 'Evaluation')),
    h('p', { class: 'plain' }, reason),
    h('small', {}, [datasetTitle(promotion), criterion(promotion)].join(' · ')))
}
