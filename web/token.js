// The API key or the admin token. The user enters it once; the browser stores it until the tab is closed.

import { h } from './dom.js'

const KEY = 'mien.admin-token'

export function token() {
  return sessionStorage.getItem(KEY)
}

export function forgetToken() {
  sessionStorage.removeItem(KEY)
}

let pending = null

/** Asks the user for a key or the token. Resolves to false if the user cancels. Concurrent calls share one dialog. */
export function requestToken(wasRejected) {
  pending ??= showDialog(wasRejected).finally(() => { pending = null })
  return pending
}

function showDialog(wasRejected) {
  return new Promise((resolve) => {
    const input = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true })
    const form = h('form', { method: 'dialog' },
      h('h2', { id: 'token-title' }, 'API key'),
      h('p', {}, wasRejected ? 'The server rejected this key.' : 'The server requires an API key (--api-keys) or its admin token (--admin-token).'),
      h('label', { for: 'token' }, 'API key or admin token'), input,
      h('div', { class: 'row end' },
        h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Cancel'),
        h('button', { type: 'submit', class: 'primary' }, 'Continue')))
    const dialog = h('dialog', { class: 'card', 'aria-labelledby': 'token-title' }, form)
    let wasEntered = false
    form.addEventListener('submit', () => {
      sessionStorage.setItem(KEY, input.value)
      wasEntered = true
    })
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(wasEntered)
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
