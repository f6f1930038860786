// Server-sent events (HTML standard, section 9.2). `EventSource` cannot send a key.

import { request } from './api.js'

/** Calls `handlers[event](data)` for each event until the server closes the stream.
 * @throws {Problem} if the response is not a success
 * @throws if the connection is lost or `signal` is aborted */
export async function receiveEvents(path, handlers, signal) {
  const response = await request(path, { headers: { accept: 'text/event-stream' }, signal })
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const events = (buffer + chunk.value).split('\n\n')
    buffer = events.pop()
    for (const event of events) handlers[field(event, 'event')]?.(field(event, 'data'))
  }
}

function field(event, name) {
  return event.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
}
