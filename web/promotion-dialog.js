// The dialog that starts a promotion: the acceptance criterion and the images.

import { get, post } from './api.js'
import { splitOptions } from './datasets.js'
import { field, h, replace, select, toast } from './dom.js'
import { followPromotion, promotionsPath } from './promotions.js'

const CRITERIA = {
  max_regression: {
    name: ({ serving }) => `Maximum regression compared with version ${serving}`,
    label: 'Maximum regression in percentage points',
    hint: 'The lower end of the 95 % interval of the accuracy difference must be at least minus this value.',
    defaultValue: '0.5', step: '0.1',
  },
  min_accuracy: {
    name: () => 'Minimum accuracy',
    label: 'Minimum accuracy in percent',
    hint: 'The share of images that the version classifies correctly.',
    defaultValue: '70', step: '0.01',
  },
}

export async function openPromotionDialog(model, version) {
  let datasets
  try {
    datasets = (await get('v1/datasets')).datasets
  } catch (problem) {
    return toast(problem.message, 'bad')
  }
  const dialog = h('dialog', { class: 'card', 'aria-labelledby': 'promote-title' })
  const title = h('h2', { id: 'promote-title' }, `Promote version ${version} of ${model.name}`)
  dialog.append(datasets.length ? promotionForm(model, version, datasets, title, () => dialog.close()) : noDataset(title))
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}

function noDataset(title) {
  return h('form', { method: 'dialog' }, title,
    h('p', { class: 'notice' }, 'This server has no data set. Start it with ', h('code', {}, '--data NAME=DIR'), ' to promote versions.'),
    h('div', { class: 'row end' }, h('button', { type: 'submit' }, 'Close')))
}

function promotionForm(model, version, datasets, title, close) {
  const dataset = select({ onchange: () => fillSplits() }, datasets.map(({ name }) => [name, name]))
  const split = h('select', {})
  const fillSplits = () => replace(split, splitOptions(datasets, dataset.value))
  fillSplits()
  const limit = h('input', { type: 'number', min: '1', step: '1', placeholder: 'all', inputmode: 'numeric' })
  const criterion = criterionFields(model)
  const start = h('button', { type: 'submit', class: 'primary' }, 'Promote')
  const error = h('p', { class: 'notice bad', role: 'alert', hidden: true })
  const submit = async (event) => {
    event.preventDefault()
    start.disabled = true
    error.hidden = true
    const body = { version, dataset: dataset.value, split: split.value, ...criterion.value() }
    if (limit.value) body.limit = Number(limit.value)
    try {
      const promotion = await post(promotionsPath(model.name), body)
      close()
      followPromotion(model.name, promotion)
    } catch (problem) {
      error.textContent = problem.message
      error.hidden = false
    }
    start.disabled = false
  }
  return h('form', { onsubmit: submit }, title,
    h('p', {}, `The server loads version ${version} and evaluates it. If it passes, it replaces version ${model.serving}. `,
      `Until then version ${model.serving} continues to serve.`),
    criterion.kindField,
    h('div', { class: 'form' }, criterion.valueField, criterion.groupField, field('Maximum images', limit), field('Data set', dataset),
      field('Split', split)),
    error,
    h('div', { class: 'row end' },
      h('button', { type: 'button', class: 'quiet', onclick: close }, 'Cancel'), start))
}

/** Three fields, the kind of criterion, its value and the value per group in percent, and `value()` for the API. */
function criterionFields(model) {
  const kind = select({ onchange: () => showKind() }, Object.entries(CRITERIA).map(([key, { name }]) => [key, name(model)]))
  const input = h('input', { type: 'number', min: '0', max: '100', required: true, inputmode: 'decimal' })
  const valueField = field('', input, ' ')
  const groupInput = h('input', { type: 'number', min: '0', max: '100', step: '0.1', placeholder: 'no limit', inputmode: 'decimal' })
  const groupField = field('Maximum regression per group in percentage points', groupInput,
    'Each group of at least 30 images must pass the same test with this value.')
  const showKind = () => {
    const { label, hint, defaultValue, step } = CRITERIA[kind.value]
    const [labelElement, , hintElement] = valueField.children
    labelElement.textContent = label
    hintElement.textContent = hint
    input.value = defaultValue
    input.step = step
    groupField.hidden = kind.value !== 'max_regression'
  }
  showKind()
  // A ratio without the rounding error of the division: 0.57 % is 0.0057, not 0.005699999999999999.
  const ratio = ({ value }) => Number((Number(value) / 100).toFixed(6))
  const value = () => {
    const criterion = { [kind.value]: ratio(input) }
    if (!groupField.hidden && groupInput.value) criterion.max_group_regression = ratio(groupInput)
    return criterion
  }
  return { kindField: field('Acceptance criterion', kind), valueField, groupField, value }
}
