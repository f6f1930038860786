// The admin token, which orders need where the server has one: asked for once, kept until the browser tab is closed.

import { h } from './dom.js'

const KEY = 'mien.admin-token'

export function token() {
  return sessionStorage.getItem(KEY)
}

export function forgetToken() {
  sessionStorage.removeItem(KEY)
}

let asking = null

/** Asks for the token; false where the user gives none. Whoever asks meanwhile gets the same answer. */
export function askForToken(refused) {
  asking ??= dialog(refused).finally(() => { asking = null })
  return asking
}

function dialog(refused) {
  return new Promise((resolve) => {
    const input = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true })
    const form = h('form', { method: 'dialog' },
      h('h2', { id: 'token-title' }, 'Admin token'),
      h('p', {}, refused ? 'The server did not take this token.' : 'This order needs the server’s admin token (--admin-token).'),
      h('label', { for: 'token' }, 'Token'), input,
      h('div', { class: 'row end' },
        h('button', { type: 'button', class: 'quiet', onclick: () => box.close() }, 'Cancel'),
        h('button', { type: 'submit', class: 'primary' }, 'Use it')))
    const box = h('dialog', { class: 'card', 'aria-labelledby': 'token-title' }, form)
    let given = false
    form.addEventListener('submit', () => {
      sessionStorage.setItem(KEY, input.value)
      given = true
    })
    box.addEventListener('close', () => {
      box.remove()
      resolve(given)
    })
    document.body.append(box)
    box.showModal()
  })
}
