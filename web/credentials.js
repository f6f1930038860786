// Requests that a browser sends without the headers of the page: images, files and live connections. With a key, the page loads images
// and files itself, and sends the key of a live connection as a subprotocol.

import { request } from './api.js'
import { h, toast } from './dom.js'
import { token } from './token.js'

/** Creates an image of the server. With a key, it is loaded when it becomes visible. */
export function serverImage(path, attributes) {
  if (token() === null) return h('img', { src: path, loading: 'lazy', ...attributes })
  const image = h('img', attributes)
  const observer = new IntersectionObserver((entries) => {
    if (!entries.at(-1).isIntersecting) return
    observer.disconnect()
    // If the user has cancelled the dialog for the key, images do not open it again.
    if (token() === null) return
    // The alternative text replaces an image that cannot be loaded.
    objectUrl(path).then((url) => {
      for (const event of ['load', 'error']) image.addEventListener(event, () => URL.revokeObjectURL(url), { once: true })
      image.src = url
    }, () => {})
  })
  observer.observe(image)
  return image
}

/** Creates a link to a file of the server. With a key, the browser saves the file as `name` instead of opening it. */
export function fileLink(path, name, attributes, text) {
  const onclick = (event) => {
    if (token() === null) return
    event.preventDefault()
    save(path, name).catch((problem) => toast(problem.message, 'bad'))
  }
  return h('a', { href: path, onclick, ...attributes }, text)
}

async function save(path, name) {
  const url = await objectUrl(path)
  h('a', { href: url, download: name }).click()
  // The browser needs the address until it has read the file.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

async function objectUrl(path) {
  return URL.createObjectURL(await (await request(path)).blob())
}

/** Returns the subprotocols of a live connection: that of the server, and the key in base64url. */
export function liveProtocols() {
  if (token() === null) return []
  const encoded = btoa(token()).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return ['mien.live', `mien.bearer.${encoded}`]
}
