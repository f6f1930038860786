// Sends the frames of a video to the server over a WebSocket and receives the faces of each frame.

import { query, request } from './api.js'
import { liveProtocols } from './credentials.js'
import { h } from './dom.js'
import { token } from './token.js'

// The detector of the server searches in a copy of this size.
const MAX_SIDE = 640
const JPEG_QUALITY = 0.85
// Minimum time in milliseconds between two frames.
const MIN_INTERVAL = 50
// Weight of the previous frames in the smoothed probabilities.
const SMOOTHING = 0.7
// Time in milliseconds over which the frame rate is measured.
const RATE_WINDOW = 2000
// Close codes (RFC 6455, section 7.4.1): the connection was lost without a reason.
const ABNORMAL = 1006

export class LiveClient {
  #video
  #onFaces
  #onEnd
  #socket = null
  #canvas = h('canvas')
  #results = []

  /** Calls `onFaces(result, rate)` for each analysed frame, where `rate` is the number of frames per second, and `onEnd(reason)` if the
   * server ends the connection. */
  constructor(video, { onFaces, onEnd }) {
    this.#video = video
    this.#onFaces = onFaces
    this.#onEnd = onEnd
  }

  /** Opens a connection for a model and a version; an empty value means that the server selects. */
  connect({ model, version }) {
    this.close()
    const path = query('v1/live', { model, version, smoothing: SMOOTHING })
    const url = new URL(path, location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    const usedToken = token()
    const socket = new WebSocket(url, liveProtocols())
    let isOpen = false
    this.#socket = socket
    this.#results = []
    socket.addEventListener('open', () => { isOpen = true; this.#send(socket) })
    socket.addEventListener('message', ({ data }) => this.#receive(socket, JSON.parse(data)))
    socket.addEventListener('close', async ({ code, reason }) => {
      if (this.#socket !== socket) return
      const problem = isOpen ? reason || 'The connection to the server was lost.' : await rejection(path, code)
      // The user may have closed the camera, or entered a key, in the meantime.
      if (this.#socket !== socket) return
      this.#socket = null
      const hasNewToken = token() !== null && token() !== usedToken
      if (!isOpen && hasNewToken) this.connect({ model, version })
      else this.#onEnd(problem)
    })
  }

  close() {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  /** Sends the current frame of the video. The next one follows the result. */
  async #send(socket) {
    const { videoWidth, videoHeight } = this.#video
    if (document.hidden || !videoWidth) return this.#sendAfter(socket, 4 * MIN_INTERVAL)
    const scale = Math.min(1, MAX_SIDE / Math.max(videoWidth, videoHeight))
    const [width, height] = [videoWidth, videoHeight].map((side) => Math.round(side * scale))
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height })
    this.#canvas.getContext('2d').drawImage(this.#video, 0, 0, width, height)
    const frame = await new Promise((resolve) => this.#canvas.toBlob(resolve, 'image/jpeg', JPEG_QUALITY))
    if (socket.readyState === WebSocket.OPEN) socket.send(frame)
    return null
  }

  #sendAfter(socket, time) {
    setTimeout(() => { if (this.#socket === socket) this.#send(socket) }, time)
  }

  #receive(socket, result) {
    if (this.#socket !== socket) return
    const now = performance.now()
    const last = this.#results.at(-1) ?? -Infinity
    this.#results = [...this.#results.filter((time) => now - time < RATE_WINDOW), now]
    const span = now - this.#results[0]
    this.#onFaces(result, span > 0 ? (1000 * (this.#results.length - 1)) / span : null)
    this.#sendAfter(socket, Math.max(0, MIN_INTERVAL - (now - last)))
  }
}

/** Returns why the server rejected the handshake. Browsers do not show its response to pages, so the request is repeated. */
async function rejection(path, code) {
  try {
    await request(path)
  } catch (problem) {
    if (problem.code !== 'invalid_request') return problem.message
  }
  return code === ABNORMAL ? 'The live connection could not be opened.' : `The live connection ended with code ${code}.`
}
