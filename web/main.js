// Selects the view by the fragment of the address: #try, #evaluate/..., #models, #live.

import { replace } from './dom.js'
import * as evaluateView from './evaluate.js'
import * as liveView from './live.js'
import * as modelsView from './models.js'
import { startTheme } from './theme.js'
import * as tryView from './try.js'

// A view has `show(section, path)` and may have `hide()`.
const VIEWS = { try: tryView, evaluate: evaluateView, models: modelsView, live: liveView }
const TITLES = { try: 'Try', evaluate: 'Evaluate', models: 'Models', live: 'Live' }

let current = null

function showView() {
  const [name, ...path] = location.hash.slice(1).split('/')
  if (name === 'main') return
  const view = VIEWS[name] ? name : 'try'
  if (current && current !== view) VIEWS[current].hide?.()
  for (const key of Object.keys(VIEWS)) document.getElementById(`view-${key}`).hidden = key !== view
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${view}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  document.title = `${TITLES[view]} · mien`
  const isFirst = current === null
  current = view
  VIEWS[view].show(document.getElementById(`view-${view}`), path.map(decodeURIComponent))
  if (!isFirst) {
    scrollTo(0, 0)
    document.querySelector(`#view-${view} h1`)?.focus({ preventScroll: true })
  }
}

const HEALTH = { ready: 'ready', loading: 'loading models', draining: 'shutting down', unavailable: 'default model not loaded', offline: 'no connection' }

async function checkHealth() {
  const badge = document.getElementById('health')
  const status = await fetch('health/ready').then((response) => response.json()).then((health) => health.status, () => 'offline')
  if (badge.dataset.status === status) return
  badge.dataset.status = status
  replace(badge, HEALTH[status] ?? 'not ready')
}

startTheme(document.getElementById('theme'))
addEventListener('hashchange', showView)
showView()
checkHealth()
setInterval(() => { if (!document.hidden) checkHealth() }, 5000)
