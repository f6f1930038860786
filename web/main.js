// Which page is shown, by the address' fragment: #try, #evaluate/..., #models, #live.

import { replace } from './dom.js'
import * as evaluatePage from './evaluate.js'
import * as livePage from './live.js'
import * as modelsPage from './models.js'
import { startTheme } from './theme.js'
import * as tryPage from './try.js'

const PAGES = { try: tryPage, evaluate: evaluatePage, models: modelsPage, live: livePage }
const TITLES = { try: 'Try', evaluate: 'Evaluate', models: 'Models', live: 'Live' }

let shown = null

/** Shows what the fragment names. A page has `show(section, rest)` and may have `hide()`. */
function route() {
  const [name, ...rest] = location.hash.slice(1).split('/')
  if (name === 'main') return
  const page = PAGES[name] ? name : 'try'
  if (shown && shown !== page) PAGES[shown].hide?.()
  for (const key of Object.keys(PAGES)) document.getElementById(`page-${key}`).hidden = key !== page
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === `#${page}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  document.title = `${TITLES[page]} · mien`
  const moved = shown !== null
  shown = page
  PAGES[page].show(document.getElementById(`page-${page}`), rest.map(decodeURIComponent))
  if (moved) {
    scrollTo(0, 0)
    document.querySelector(`#page-${page} h1`)?.focus({ preventScroll: true })
  }
}

const HEALTH = { ready: 'ready', loading: 'loading models', draining: 'shutting down', unavailable: 'default model not serving' }

async function checkHealth() {
  const place = document.getElementById('health')
  const status = await fetch('health/ready').then((response) => response.json()).then((health) => health.status, () => 'gone')
  if (place.dataset.status === status) return
  place.dataset.status = status
  replace(place, status === 'gone' ? 'no connection' : HEALTH[status] ?? 'not ready')
}

startTheme(document.getElementById('theme'))
addEventListener('hashchange', route)
route()
checkHealth()
setInterval(() => { if (!document.hidden) checkHealth() }, 5000)
