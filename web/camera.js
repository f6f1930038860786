// Takes photos with the camera, after a notice about the use of the photos. A photo is the central square of the video.

import { h, replace } from './dom.js'

/** The button that opens the camera, and the panel with the notice and the video. */
export class Camera {
  #container
  #onPhoto
  #stream = null

  /** The button that opens the camera. */
  button = h('button', { type: 'button', id: 'use-camera', onclick: () => this.#showNotice() }, 'Use camera')

  /** Shows the camera in `container` and calls `onPhoto(file)` for each photo. */
  constructor(container, onPhoto) {
    this.#container = container
    this.#onPhoto = onPhoto
    addEventListener('hashchange', () => this.#close())
  }

  #close() {
    stop(this.#stream)
    this.#stream = null
    replace(this.#container)
    this.button.hidden = false
  }

  #showNotice() {
    const problem = unavailability()
    if (problem) return this.#showMessage('notice', problem)
    const text = `The video stays in this browser. Each photo that you take is sent to this server (${location.host}). The server classifies the photo and does not store it.`
    return this.#show('Cancel', h('p', { class: 'notice', id: 'camera-notice' }, text),
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
    const video = h('video', { srcObject: this.#stream, autoplay: true, playsinline: true, 'aria-label': 'Camera' })
    video.muted = true
    const shutter = async () => this.#onPhoto(await takePhoto(video))
    this.#show('Close camera', video, h('button', { type: 'button', class: 'primary', onclick: shutter }, 'Take photo'))
  }

  #showMessage(kind, text) {
    this.#show('Close', h('p', { class: kind, role: 'alert' }, text))
  }

  /** Shows a text or the video, with a button for the next step and one that closes the camera. The first button gets the focus. */
  #show(closeText, content, button) {
    this.button.hidden = true
    const close = () => { this.#close(); this.button.focus() }
    replace(this.#container, h('div', { class: 'camera', role: 'group', 'aria-label': 'Camera' }, content,
      h('div', { class: 'row' }, button, h('button', { type: 'button', onclick: close }, closeText))))
    this.#container.querySelector('button').focus()
  }
}

/** Returns the reason why the page cannot use a camera, or null. */
function unavailability() {
  if (!isSecureContext) return `Browsers allow the camera on HTTPS or localhost only. This page is ${location.origin}.`
  return navigator.mediaDevices ? null : 'This browser does not offer a camera to web pages.'
}

/** Switches the camera off. */
const stop = (stream) => stream?.getTracks().forEach((track) => track.stop())

async function takePhoto(video) {
  const size = Math.min(video.videoWidth, video.videoHeight)
  const canvas = h('canvas', { width: size, height: size })
  const [x, y] = [(video.videoWidth - size) / 2, (video.videoHeight - size) / 2]
  canvas.getContext('2d').drawImage(video, x, y, size, size, 0, 0, size, size)
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  return new File([blob], 'camera.png', { type: 'image/png' })
}
