// Chooses a model and a version of it among those that serve.

import { get } from './api.js'
import { field, h, replace } from './dom.js'

export class ModelChoice {
  #models = []
  #model = h('select', { onchange: () => this.#fillVersions() })
  #version = h('select', {})
  #note = h('p', { class: 'dim', 'aria-live': 'polite' })

  constructor() {
    this.element = [field('Model', this.#model), field('Version', this.#version), this.#note]
    this.#version.addEventListener('change', () => this.#describe())
    this.#model.classList.add('choose-model')
    this.#version.classList.add('choose-version')
  }

  /** Reads the models anew and keeps what was chosen. */
  async refresh() {
    try {
      this.#models = (await get('v1/models')).models
    } catch (problem) {
      replace(this.#note, problem.message)
      return
    }
    const chosen = this.#model.value
    const usual = this.#models.find((model) => model.default)
    const options = this.#models.map(({ name, versions }) => h('option', { value: name, disabled: !versions.some(serves) }, name))
    replace(this.#model, h('option', { value: '' }, usual ? `${usual.name} (default)` : 'default'), options)
    this.#model.value = this.#models.some(({ name }) => name === chosen) ? chosen : ''
    this.#fillVersions()
  }

  /** `{model, version}` as the API takes them; empty where the server is to choose. */
  chosen() {
    return { model: this.#model.value, version: this.#version.value }
  }

  #current() {
    const name = this.#model.value
    return this.#models.find((model) => (name ? model.name === name : model.default))
  }

  #fillVersions() {
    const chosen = this.#version.value
    const versions = (this.#current()?.versions ?? []).filter(serves).map(({ version }) => version).toReversed()
    replace(this.#version, h('option', { value: '' }, 'the one that serves'), versions.map((version) => h('option', { value: version }, version)))
    this.#version.value = versions.includes(chosen) ? chosen : ''
    this.#describe()
  }

  async #describe() {
    const model = this.#current()
    if (!model) return replace(this.#note, 'No model serves yet.')
    const details = await get(`v1/models/${encodeURIComponent(model.name)}`).catch(() => null)
    const serving = details?.versions.filter(serves) ?? []
    const version = serving.find(({ version }) => version === this.#version.value) ?? serving.at(-1)
    if (!version) return replace(this.#note, 'It does not serve now.')
    const accuracy = version.accuracy?.test
    const parts = [version.architecture, version.parameters && `${(version.parameters / 1e6).toFixed(2)} M parameters`,
      accuracy && `${(accuracy * 100).toFixed(1)} % on its test faces`, version.serving?.device]
    return replace(this.#note, parts.filter(Boolean).join(' · '))
  }
}

const serves = ({ status }) => status === 'ready'
