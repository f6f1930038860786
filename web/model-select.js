// Form controls that select a loaded model and one of its versions.

import { get } from './api.js'
import { field, h, replace } from './dom.js'
import { poll } from './polling.js'

export class ModelSelect {
  #models = []
  #rendered = ''
  #model = h('select', { class: 'model-select', onchange: () => this.#fillVersions() })
  #version = h('select', { class: 'version-select', onchange: () => this.#describe() })
  #note = h('p', { class: 'dim', 'aria-live': 'polite' })

  /** The field of the model, the field of the version, and a note about the selected version. */
  elements = [field('Model', this.#model), field('Version', this.#version), this.#note]

  /** Keeps the list of models up to date until `signal` is aborted. */
  follow(signal) {
    poll(() => this.#refresh(), 5, signal)
  }

  /** Reloads the list of models and preserves the selection. */
  async #refresh() {
    try {
      this.#models = (await get('v1/models')).models
    } catch (problem) {
      this.#rendered = ''
      replace(this.#note, problem.message)
      return
    }
    const text = JSON.stringify(this.#models)
    if (text === this.#rendered) return
    this.#rendered = text
    const selected = this.#model.value
    const defaultModel = this.#models.find((model) => model.default)
    const options = this.#models.map(({ name, versions }) => h('option', { value: name, disabled: !versions.some(isReady) }, name))
    replace(this.#model, h('option', { value: '' }, defaultModel ? `${defaultModel.name} (default)` : 'default'), options)
    this.#model.value = this.#models.some(({ name }) => name === selected) ? selected : ''
    this.#fillVersions()
  }

  /** Returns `{model, version}` for the API; an empty value means that the server selects. */
  value() {
    return { model: this.#model.value, version: this.#version.value }
  }

  #selectedModel() {
    const name = this.#model.value
    return this.#models.find((model) => (name ? model.name === name : model.default))
  }

  #fillVersions() {
    const selected = this.#version.value
    const versions = (this.#selectedModel()?.versions ?? []).filter(isReady).map(({ version }) => version).toReversed()
    const options = versions.map((version) => h('option', { value: version }, version))
    replace(this.#version, h('option', { value: '' }, 'serving version'), options)
    this.#version.value = versions.includes(selected) ? selected : ''
    this.#describe()
  }

  async #describe() {
    const model = this.#selectedModel()
    if (!model) return replace(this.#note, 'No model is loaded yet.')
    let details
    try {
      details = await get(`v1/models/${encodeURIComponent(model.name)}`)
    } catch (problem) {
      this.#rendered = ''
      return replace(this.#note, problem.message)
    }
    const ready = details.versions.filter(isReady)
    const version = ready.find(({ version }) => version === this.#version.value) ?? ready.at(-1)
    if (!version) return replace(this.#note, 'This model is not loaded.')
    const accuracy = version.accuracy?.test
    const parts = [version.architecture, version.parameters && `${(version.parameters / 1e6).toFixed(2)} M parameters`,
      accuracy && `${(accuracy * 100).toFixed(1)} % test accuracy`, version.serving?.device]
    return replace(this.#note, parts.filter(Boolean).join(' · '))
  }
}

const isReady = ({ status }) => status === 'ready'
