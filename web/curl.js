// The command line that does what the page has just done.

import { query } from './api.js'
import { h, toast } from './dom.js'

export function classifyLine(files, model) {
  return command([...files.map(part), address('v1/classify', model)])
}

export function explainLine(file, parameters) {
  return command([part(file), address('v1/explain', { ...parameters, format: 'png' }), '-o why.png'])
}

/** curl itself splits bare names at commas and semicolons. */
const part = ({ name }) => (/[,;"\\]/.test(name)
  ? `-F ${quoted(`image=@"${name.replace(/["\\]/g, '\\$&')}"`)}`
  : `-F image=@${quoted(name || 'face.png')}`)
const address = (path, parameters) => quoted(new URL(query(path, parameters), document.baseURI).href)

function command(words) {
  const line = ['curl', ...words].join(' ')
  const copy = async () => {
    await navigator.clipboard.writeText(line)
    toast('Copied')
  }
  return [
    h('pre', { tabindex: '0', 'aria-label': 'The same with curl' }, h('code', {}, line)),
    // Only pages over TLS, or of this machine, may write to the clipboard.
    navigator.clipboard && h('button', { type: 'button', class: 'small', onclick: copy }, 'Copy'),
  ]
}

function quoted(text) {
  return /^[\w.:/@%=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
