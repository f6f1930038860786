// Talks to the server. Every path is relative, so that the page works below a prefix too.

import { askForToken, token, forgetToken } from './token.js'

/** What the server said no with: its problem document (RFC 9457), or what came instead. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? (status ? `the server answered ${status}` : 'the server cannot be reached'))
    this.status = status
    this.code = body?.code ?? null
    this.requestId = body?.request_id ?? null
  }
}

/** A response that is a success.
 * @throws {Problem} */
export async function request(path, options = {}) {
  let response = await send(path, options)
  while (response.status === 401) {
    const refused = token() !== null
    if (refused) forgetToken()
    if (!(await askForToken(refused))) break
    response = await send(path, options)
  }
  if (response.ok) return response
  throw new Problem(response.status, await response.json().catch(() => null))
}

async function send(path, options) {
  const headers = new Headers(options.headers)
  if (token() !== null && options.method) headers.set('authorization', `Bearer ${token()}`)
  try {
    return await fetch(path, { ...options, headers, credentials: 'same-origin' })
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Problem(0, null)
  }
}

export async function get(path, options) {
  return (await request(path, options)).json()
}

/** Posts JSON and reads JSON. */
export async function post(path, body) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await request(path, { method: 'POST', headers, body: body === undefined ? undefined : JSON.stringify(body) })
  return response.json()
}

export async function remove(path) {
  const response = await request(path, { method: 'DELETE' })
  return response.status === 204 ? null : response.json()
}

/** `path?name=value&...` of what is given. */
export function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return given.length ? `${path}?${new URLSearchParams(given)}` : path
}
