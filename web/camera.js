// Takes photos with the camera. A photo is the central square of the video.

import { h, replace, toast } from './dom.js'

/** Shows the camera in `container` and calls `onPhoto(file)` for each photo. */
export async function openCamera(container, onPhoto) {
  let stream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } })
  } catch (error) {
    toast(error.name === 'NotAllowedError' ? 'The browser blocked access to the camera.' : 'No camera was found.', 'bad')
    return
  }
  const video = h('video', { srcObject: stream, autoplay: true, playsinline: true, 'aria-label': 'Camera' })
  video.muted = true
  const close = () => {
    stream.getTracks().forEach((track) => track.stop())
    replace(container)
  }
  addEventListener('hashchange', close, { once: true })
  const shutter = h('button', { type: 'button', class: 'primary', onclick: async () => onPhoto(await takePhoto(video)) }, 'Take photo')
  replace(container, h('div', { class: 'camera' }, video, h('p', {}, 'Fill the square with one face.'),
    h('div', { class: 'row' }, shutter, h('button', { type: 'button', onclick: close }, 'Close camera'))))
  shutter.focus()
}

async function takePhoto(video) {
  const size = Math.min(video.videoWidth, video.videoHeight)
  const canvas = h('canvas', { width: size, height: size })
  const [x, y] = [(video.videoWidth - size) / 2, (video.videoHeight - size) / 2]
  canvas.getContext('2d').drawImage(video, x, y, size, size, 0, 0, size, size)
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  return new File([blob], 'camera.png', { type: 'image/png' })
}
