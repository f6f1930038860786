// The command line that does what the page has just done.

import { query } from './api.js'
import { h, toast } from './dom.js'

export function curlLine(files, model) {
  const url = new URL(query('v1/classify', model), document.baseURI).href
  const pictures = files.map((file) => `-F image=@${quoted(file.name || 'face.png')}`).join(' ')
  const line = `curl ${pictures} ${quoted(url)}`
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
