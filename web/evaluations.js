// All evaluations: a form that orders one, accuracy over time, and the list, of which two can be compared.

import { get, post, remove } from './api.js'
import { field, h, replace, select, toast } from './dom.js'
import { count, percent, when } from './format.js'
import { history } from './history.js'
import { ModelChoice } from './model-choice.js'
import { interval, STATES, subject, title } from './parts.js'

let timer = null

export function showEvaluations(section) {
  const form = h('div', {}, h('p', { class: 'dim' }, 'Looking for data sets …'))
  const past = h('div', {})
  const list = h('div', {})
  replace(section,
    h('h1', { tabindex: '-1' }, 'Evaluate'),
    h('p', { class: 'lead' }, 'How accurate is the model that serves now? Its images go through the same queue as those of clients, and wait for them.'),
    h('div', { class: 'stack' },
      h('section', { class: 'card' }, h('h2', {}, 'Evaluate a model'), form),
      past,
      h('section', { class: 'card' }, list)))
  orderForm(form)
  const marked = new Set()
  let drawn = ''
  const refresh = async () => {
    try {
      const { evaluations } = await get('v1/evaluations')
      const text = JSON.stringify(evaluations)
      if (text === drawn) return
      drawn = text
      replace(past, history(evaluations))
      replace(list, rows(evaluations, marked, refresh))
    } catch (problem) {
      drawn = ''
      replace(list, h('p', { class: 'notice bad' }, problem.message))
    }
  }
  refresh()
  timer = setInterval(() => { if (!document.hidden) refresh() }, 2500)
}

export function hideEvaluations() {
  clearInterval(timer)
}

async function orderForm(place) {
  let datasets
  try {
    datasets = (await get('v1/datasets')).datasets
  } catch (problem) {
    return replace(place, h('p', { class: 'notice bad' }, problem.message))
  }
  if (!datasets.length) {
    return replace(place, h('p', { class: 'notice' }, 'This server knows no data set. Start it with ', h('code', {}, '--data NAME=DIR'), ' to evaluate its models on one.'))
  }
  const dataset = select({ id: 'dataset', onchange: () => fillSplits() }, datasets.map(({ name }) => [name, name]))
  const split = h('select', { id: 'split' })
  const limit = h('input', { id: 'limit', type: 'number', min: '1', step: '1', placeholder: 'all', inputmode: 'numeric' })
  const choice = new ModelChoice()
  const fillSplits = () => {
    const { splits } = datasets.find(({ name }) => name === dataset.value)
    const names = ['test', 'PublicTest', 'PrivateTest', 'train'].filter((name) => splits[name] > 0)
    replace(split, names.map((name) => h('option', { value: name }, `${name} (${count(splits[name])})`)))
  }
  fillSplits()
  choice.refresh()
  const start = h('button', { type: 'submit', class: 'primary', id: 'evaluate' }, 'Evaluate')
  const order = async (event) => {
    event.preventDefault()
    start.disabled = true
    const { model, version } = choice.chosen()
    const wanted = { dataset: dataset.value, split: split.value, model: model || null, version: version || null, limit: limit.value ? Number(limit.value) : null }
    try {
      location.hash = `evaluate/${(await post('v1/evaluations', wanted)).id}`
    } catch (problem) {
      toast(problem.message, 'bad')
    }
    start.disabled = false
  }
  const [model, version, note] = choice.element
  replace(place, h('form', { onsubmit: order, class: 'stack' },
    h('div', { class: 'form' }, field('Data set', dataset), field('Images', split), field('At most', limit), model, version),
    h('div', { class: 'row apart' }, note, start)))
}

function rows(evaluations, marked, refresh) {
  const compare = h('a', { class: 'button small', 'aria-disabled': 'true' }, 'Compare two')
  const update = () => {
    const [b, a] = evaluations.filter(({ id }) => marked.has(id)).map(({ id }) => id)
    const ready = marked.size === 2 && a && b
    compare.setAttribute('aria-disabled', String(!ready))
    if (ready) compare.href = `#evaluate/compare/${a}/${b}`
    else compare.removeAttribute('href')
  }
  for (const id of [...marked]) if (!evaluations.some((evaluation) => evaluation.id === id)) marked.delete(id)
  update()
  return [
    h('div', { class: 'row apart list-head' }, h('h2', { class: 'plain' }, 'Evaluations'), evaluations.length > 1 && compare),
    evaluations.length === 0
      ? h('p', { class: 'empty' }, 'None yet. The first one tells how often the serving model is right.')
      : h('ul', { class: 'list' }, evaluations.map((evaluation) => row(evaluation, marked, update, refresh))),
  ]
}

function row(evaluation, marked, update, refresh) {
  const { id, status, images, report, finished, created } = evaluation
  const done = status === 'succeeded'
  const mark = h('input', { type: 'checkbox', checked: marked.has(id), disabled: !done, 'aria-label': `Compare ${title(evaluation)} on ${subject(evaluation)}`, onchange: () => {
    if (mark.checked) marked.add(id)
    else marked.delete(id)
    update()
  } })
  const ended = done || status === 'failed' || status === 'cancelled'
  const removal = h('button', { type: 'button', class: 'small quiet', 'aria-label': `${ended ? 'Delete' : 'Cancel'} the evaluation of ${title(evaluation)}`, onclick: async () => {
    if (done && !confirm('Delete this evaluation with its report and predictions?')) return
    await remove(`v1/evaluations/${id}${ended ? '?purge=true' : ''}`).catch((problem) => toast(problem.message, 'bad'))
    refresh()
  } }, ended ? 'Delete' : 'Cancel')
  return h('li', {}, mark,
    h('div', { class: 'what' },
      h('a', { href: `#evaluate/${id}` }, title(evaluation)),
      h('small', {}, [subject(evaluation), `${count(images.total)} images`, when(finished ?? created)].join(' · '))),
    h('div', { class: 'result' }, done
      ? [h('strong', {}, percent(report.accuracy)), h('small', {}, interval(report.interval))]
      : [h('span', { class: `badge ${STATES[status] ?? ''}` }, status), status === 'running' && h('small', {}, percent(images.done / images.total, 0))]),
    removal)
}
