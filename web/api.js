// The HTTP client. Every path is relative, so that the web UI also works behind a proxy that adds a path prefix.

import { forgetToken, requestToken, token } from './token.js'

/** An error response: a problem document (RFC 9457) if the server sent one. Status 0 means that there was no response. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? (status ? `The server responded with status ${status}.` : 'The server cannot be reached.'))
    this.status = status
    this.code = body?.code ?? null
    this.requestId = body?.request_id ?? null
  }
}

/** Sends a request and returns the response. Asks the user for a key if the server requires one.
 * @throws {Problem} if the response is not a success */
export async function request(path, options = {}) {
  let usedToken = token()
  let response = await send(path, options)
  while (response.status === 401) {
    // The user may have entered another key for a concurrent request.
    if (token() === usedToken) {
      if (usedToken !== null) forgetToken()
      if (!(await requestToken(usedToken !== null))) break
    }
    usedToken = token()
    response = await send(path, options)
  }
  if (response.ok) return response
  throw new Problem(response.status, await response.json().catch(() => null))
}

async function send(path, options) {
  const headers = new Headers(options.headers)
  if (token() !== null) headers.set('authorization', `Bearer ${token()}`)
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

/** Posts JSON and returns the JSON of the response. */
export async function post(path, body) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await request(path, { method: 'POST', headers, body: body === undefined ? undefined : JSON.stringify(body) })
  return response.json()
}

export async function remove(path) {
  const response = await request(path, { method: 'DELETE' })
  return response.status === 204 ? null : response.json()
}

/** Appends the parameters that have a value to the path: `path?name=value&...`. */
export function query(path, parameters) {
  const present = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return present.length ? `${path}?${new URLSearchParams(present)}` : path
}
