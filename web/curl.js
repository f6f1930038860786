// curl commands that repeat the last action of the user.

import { query } from './api.js'
import { h, toast } from './dom.js'

/** Classifies files that are one face each. */
export function classifyCommand(files, model) {
  return curlCommand([...files.map(formPart), url('v1/classify', model)])
}

/** Finds and classifies the faces in photos. */
export function facesCommand(files, model) {
  return curlCommand([...files.map(formPart), url('v1/faces', model)])
}

export function explainCommand(file, parameters) {
  return curlCommand([formPart(file), url('v1/explain', { ...parameters, format: 'png' }), '-o explanation.png'])
}

/** curl splits an unquoted file name at commas and semicolons. */
const formPart = ({ name }) => (/[,;"\\]/.test(name)
  ? `-F ${shellQuoted(`image=@"${name.replace(/["\\]/g, '\\$&')}"`)}`
  : `-F image=@${shellQuoted(name || 'face.png')}`)
const url = (path, parameters) => shellQuoted(new URL(query(path, parameters), document.baseURI).href)

function curlCommand(words) {
  const command = ['curl', ...words].join(' ')
  const copy = async () => {
    await navigator.clipboard.writeText(command)
    toast('Copied')
  }
  return [
    h('pre', { tabindex: '0', 'aria-label': 'The same request with curl' }, h('code', {}, command)),
    // Browsers offer the clipboard only over HTTPS and on localhost.
    navigator.clipboard && h('button', { type: 'button', class: 'small', onclick: copy }, 'Copy'),
  ]
}

function shellQuoted(text) {
  return /^[\w.:/@%=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
