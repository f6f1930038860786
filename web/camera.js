// The camera: after a notice about the use of the video, its faces are followed live, and the user can take photos. If images are one
// face each, the video stays in the browser and a photo is its central square.

import { h, replace } from './dom.js'
import { LiveClient } from './live-client.js'
import { LiveFaces } from './live-faces.js'

/** The button that opens the camera, and the panel with the notice and the video. */
export class Camera {
  #container
  #settings
  #onPhoto
  #stream = null
  #live = null

  /** The button that opens the camera. */
  button = h('button', { type: 'button', id: 'use-camera', onclick: () => this.#showNotice() }, 'Use camera')

  /** Shows the camera in `container`. `settings()` returns `{model, version, isOneFace}`; `onPhoto(file)` is called for each photo. */
  constructor(container, settings, onPhoto) {
    this.#container = container
    this.#settings = settings
    this.#onPhoto = onPhoto
    addEventListener('hashchange', () => this.#close())
  }

  /** Applies changed settings to an open camera. The notice is shown again if its text changes. */
  update() {
    if (!this.#stream) return
    const { isOneFace } = this.#settings()
    if (isOneFace === !this.#live) return this.#live?.connect(this.#settings())
    this.#close()
    this.#showNotice()
  }

  #close() {
    this.#live?.close()
    stop(this.#stream)
    this.#live = null
    this.#stream = null
    replace(this.#container)
    this.button.hidden = false
  }

  #showNotice() {
    const problem = unavailability()
    if (problem) return this.#showMessage('notice', problem)
    const text = this.#settings().isOneFace
      ? `The video stays in this browser. Each photo that you take is sent to this server (${location.host}). The server classifies the photo and does not store it.`
      : `The video is sent to this server (${location.host}) until you close the camera. The server finds and classifies the faces. It does not store images, and it does not recognise persons.`
    return this.#show([h('p', { class: 'notice', id: 'camera-notice' }, text)], 'Cancel',
      h('button', { type: 'button', class: 'primary', 'aria-describedby': 'camera-notice', onclick: () => this.#start() }, 'Start camera'))
  }

  async #start() {
    let stream = null
    let message = null
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } })
    } catch (error) {
      message = error.name === 'NotAllowedError' ? 'The browser blocked access to the camera.' : 'No camera was found.'
    }
    // The user may have closed the notice while the browser asked for permission.
    if (!this.#container.querySelector('#camera-notice')) return stop(stream)
    if (message) return this.#showMessage('notice bad', message)
    this.#stream = stream
    return this.#showVideo()
  }

  #showVideo() {
    const { isOneFace } = this.#settings()
    const video = h('video', { srcObject: this.#stream, autoplay: true, playsinline: true, 'aria-label': 'Camera' })
    video.muted = true
    const shutter = async () => this.#onPhoto(await takePhoto(video, isOneFace))
    const content = isOneFace ? [h('div', { class: 'camera-frame square' }, video)] : this.#follow(video)
    this.#show(content, 'Close camera', h('button', { type: 'button', class: 'primary', onclick: shutter }, 'Take photo'))
  }

  /** Sends the video to the server and shows its faces. */
  #follow(video) {
    const faces = new LiveFaces()
    const problem = h('div', { role: 'alert' })
    const live = new LiveClient(video, {
      onFaces: (result, rate) => faces.show(result, rate),
      onEnd: (reason) => {
        faces.clear()
        const again = h('button', { type: 'button', class: 'small', onclick: connect }, 'Connect again')
        replace(problem, h('p', { class: 'notice bad' }, reason), again)
      },
    })
    const connect = () => { replace(problem); live.connect(this.#settings()) }
    this.#live = live
    connect()
    return [h('div', { class: 'camera-frame' }, video, faces.overlay), problem, ...faces.elements]
  }

  #showMessage(kind, text) {
    this.#show([h('p', { class: kind, role: 'alert' }, text)], 'Close')
  }

  /** Shows a text or the video, with a button for the next step and one that closes the camera. The first button gets the focus. */
  #show(content, closeText, button) {
    this.button.hidden = true
    const close = () => { this.#close(); this.button.focus() }
    const closeButton = h('button', { type: 'button', onclick: close }, closeText)
    replace(this.#container, h('div', { class: 'camera', role: 'group', 'aria-label': 'Camera' }, content, h('div', { class: 'row' }, button, closeButton)))
    const first = button ?? closeButton
    first.focus()
  }
}

/** Returns the reason why the page cannot use a camera, or null. */
function unavailability() {
  if (!isSecureContext) return `Browsers allow the camera on HTTPS or localhost only. This page is ${location.origin}.`
  return navigator.mediaDevices ? null : 'This browser does not offer a camera to web pages.'
}

/** Switches the camera off. */
const stop = (stream) => stream?.getTracks().forEach((track) => track.stop())

/** Returns the current picture of the video, or its central square. */
async function takePhoto(video, isSquare) {
  const side = Math.min(video.videoWidth, video.videoHeight)
  const [width, height] = isSquare ? [side, side] : [video.videoWidth, video.videoHeight]
  const canvas = h('canvas', { width, height })
  const [x, y] = [(video.videoWidth - width) / 2, (video.videoHeight - height) / 2]
  canvas.getContext('2d').drawImage(video, x, y, width, height, 0, 0, width, height)
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  return new File([blob], 'camera.png', { type: 'image/png' })
}
