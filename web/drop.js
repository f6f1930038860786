// Files that the user drops or pastes.

/** Calls `onFiles(files)` for files that are dropped or pasted anywhere in the window while `dropZone` is displayed. Highlights the
 * drop zone while files are dragged. */
export function acceptFiles(dropZone, onFiles) {
  const isHidden = () => dropZone.closest('section').hidden
  addEventListener('paste', (event) => {
    if (!isHidden() && event.clipboardData.files.length) onFiles([...event.clipboardData.files])
  })

  const hasFiles = (event) => event.dataTransfer?.types.includes('Files')
  // `dragenter` and `dragleave` also fire for nested elements.
  let depth = 0
  addEventListener('dragenter', (event) => { if (hasFiles(event)) { depth += 1; dropZone.classList.add('dragover') } })
  addEventListener('dragleave', (event) => { if (hasFiles(event) && --depth <= 0) dropZone.classList.remove('dragover') })
  addEventListener('dragover', (event) => { if (hasFiles(event)) event.preventDefault() })
  addEventListener('drop', (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    depth = 0
    dropZone.classList.remove('dragover')
    if (!isHidden()) onFiles([...event.dataTransfer.files])
  })
}
