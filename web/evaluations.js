// All evaluations: a form that starts one, accuracy over time, and the list, in which two can be selected for comparison.

import { accuracyHistory } from './accuracy-history.js'
import { get, post, remove } from './api.js'
import { datasetTitle, interval, modelTitle, STATUS_CLASSES } from './components.js'
import { splitOptions } from './datasets.js'
import { field, h, replace, select, toast } from './dom.js'
import { count, dateTime, percent } from './format.js'
import { ModelSelect } from './model-select.js'
import { loadWithRetry, poll } from './polling.js'

/** Shows all evaluations until `signal` is aborted. */
export function showEvaluations(section, signal) {
  const form = h('div', {}, h('p', { class: 'dim' }, 'Loading data sets …'))
  const history = h('div', {})
  const list = h('div', {})
  replace(section,
    h('h1', { tabindex: '-1' }, 'Evaluate'),
    h('p', { class: 'lead' }, 'Measure the accuracy of a loaded model on a data set. Client requests have priority.'),
    h('div', { class: 'stack' },
      h('section', { class: 'card' }, h('h2', {}, 'Evaluate a model'), form),
      history,
      h('section', { class: 'card' }, list)))
  showForm(form, signal)
  const selected = new Set()
  let rendered = ''
  const refresh = async () => {
    try {
      const { evaluations } = await get('v1/evaluations')
      const text = JSON.stringify(evaluations)
      if (text === rendered) return
      rendered = text
      replace(history, accuracyHistory(evaluations))
      replace(list, listContent(evaluations, selected, refresh))
    } catch (problem) {
      rendered = ''
      replace(list, h('p', { class: 'notice bad' }, problem.message))
    }
  }
  poll(refresh, 2.5, signal)
}

function showForm(container, signal) {
  const load = async () => {
    const { datasets } = await get('v1/datasets', { signal })
    replace(container, datasets.length ? evaluationForm(datasets, signal) : noDataset())
  }
  loadWithRetry(load, (problem) => replace(container, h('p', { class: 'notice bad' }, problem.message)), signal)
}

function noDataset() {
  return h('p', { class: 'notice' }, 'This server has no data set. Start it with ', h('code', {}, '--data NAME=DIR'),
    ' to evaluate its models.')
}

function evaluationForm(datasets, signal) {
  const dataset = select({ id: 'dataset', onchange: () => fillSplits() }, datasets.map(({ name }) => [name, name]))
  const split = h('select', { id: 'split' })
  const limit = h('input', { id: 'limit', type: 'number', min: '1', step: '1', placeholder: 'all', inputmode: 'numeric' })
  const modelSelect = new ModelSelect()
  const fillSplits = () => replace(split, splitOptions(datasets, dataset.value))
  fillSplits()
  modelSelect.follow(signal)
  const start = h('button', { type: 'submit', class: 'primary', id: 'evaluate' }, 'Evaluate')
  const submit = async (event) => {
    event.preventDefault()
    start.disabled = true
    const { model, version } = modelSelect.value()
    const body = { dataset: dataset.value, split: split.value, model: model || null, version: version || null,
      limit: limit.value ? Number(limit.value) : null }
    try {
      location.hash = `evaluate/${(await post('v1/evaluations', body)).id}`
    } catch (problem) {
      toast(problem.message, 'bad')
    }
    start.disabled = false
  }
  const [model, version, note] = modelSelect.elements
  return h('form', { onsubmit: submit, class: 'stack' },
    h('div', { class: 'form' }, field('Data set', dataset), field('Split', split), field('Maximum images', limit), model, version),
    h('div', { class: 'row between' }, note, start))
}

function listContent(evaluations, selected, refresh) {
  const compare = h('a', { class: 'button small', 'aria-disabled': 'true' }, 'Compare two')
  const update = () => {
    const [b, a] = evaluations.filter(({ id }) => selected.has(id)).map(({ id }) => id)
    const isReady = selected.size === 2 && a && b
    compare.setAttribute('aria-disabled', String(!isReady))
    if (isReady) compare.href = `#evaluate/compare/${a}/${b}`
    else compare.removeAttribute('href')
  }
  for (const id of [...selected]) if (!evaluations.some((evaluation) => evaluation.id === id)) selected.delete(id)
  update()
  return [
    h('div', { class: 'row between list-head' }, h('h2', { class: 'plain' }, 'Evaluations'), evaluations.length > 1 && compare),
    evaluations.length === 0
      ? h('p', { class: 'empty' }, 'No evaluations yet.')
      : h('ul', { class: 'list' }, evaluations.map((evaluation) => listItem(evaluation, selected, update, refresh))),
  ]
}

function listItem(evaluation, selected, update, refresh) {
  const { id, status, images, report, finished, created } = evaluation
  const hasSucceeded = status === 'succeeded'
  const hasEnded = hasSucceeded || status === 'failed' || status === 'cancelled'
  const checkbox = h('input', { type: 'checkbox', checked: selected.has(id), disabled: !hasSucceeded,
    'aria-label': `Compare ${modelTitle(evaluation)} on ${datasetTitle(evaluation)}`, onchange: () => {
      if (checkbox.checked) selected.add(id)
      else selected.delete(id)
      update()
    } })
  const removal = h('button', { type: 'button', class: 'small quiet',
    'aria-label': `${hasEnded ? 'Delete' : 'Cancel'} the evaluation of ${modelTitle(evaluation)}`, onclick: async () => {
      if (hasSucceeded && !confirm('Delete this evaluation with its report and predictions?')) return
      await remove(`v1/evaluations/${id}${hasEnded ? '?purge=true' : ''}`).catch((problem) => toast(problem.message, 'bad'))
      refresh()
    } }, hasEnded ? 'Delete' : 'Cancel')
  return h('li', {}, checkbox,
    h('div', { class: 'subject' },
      h('a', { href: `#evaluate/${id}` }, modelTitle(evaluation)),
      h('small', {}, [datasetTitle(evaluation), `${count(images.total)} images`, dateTime(finished ?? created)].join(' · '))),
    h('div', { class: 'result' }, hasSucceeded
      ? [h('strong', {}, percent(report.accuracy)), h('small', {}, interval(report.interval))]
      : [h('span', { class: `badge ${STATUS_CLASSES[status] ?? ''}` }, status),
        status === 'running' && h('small', {}, percent(images.done / images.total, 0))]),
    removal)
}
