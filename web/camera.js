// Takes a picture with the camera: the middle square of what it sees.

import { h, replace, toast } from './dom.js'

/** Opens the camera in `place`; `take(file)` gets each picture. */
export async function openCamera(place, take) {
  let stream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user' } })
  } catch (error) {
    toast(error.name === 'NotAllowedError' ? 'The browser may not use the camera here.' : 'There is no camera to use.', 'bad')
    return
  }
  const video = h('video', { srcObject: stream, autoplay: true, playsinline: true, 'aria-label': 'Camera' })
  video.muted = true
  const close = () => {
    stream.getTracks().forEach((track) => track.stop())
    replace(place)
  }
  addEventListener('hashchange', close, { once: true })
  const shoot = h('button', { type: 'button', class: 'primary', onclick: async () => take(await snapshot(video)) }, 'Take the picture')
  replace(place, h('div', { class: 'camera' }, video, h('p', {}, 'Fill the square with one face.'),
    h('div', { class: 'row' }, shoot, h('button', { type: 'button', onclick: close }, 'Close the camera'))))
  shoot.focus()
}

async function snapshot(video) {
  const side = Math.min(video.videoWidth, video.videoHeight)
  const canvas = h('canvas', { width: side, height: side })
  const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2]
  canvas.getContext('2d').drawImage(video, x, y, side, side, 0, 0, side, side)
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  return new File([blob], 'camera.png', { type: 'image/png' })
}
