// The card of an image that is one face.

import { explainToggle } from './explain-toggle.js'
import { fileCard } from './file-card.js'
import { modelAndTime, predictionBars } from './prediction.js'

/** Creates the card of a file that is one face. `show(result)` fills it in. `onExplain(parameters)` is called for each
 * explanation that the user requests, `onRetry()` if the user wants to classify the image again after an error. */
export function predictionCard(file, { onExplain, onRetry }) {
  let toggle = null
  const card = fileCard(file, { kind: 'prediction', onRetry: () => { showSpinner(); onRetry() }, onRemove: () => toggle?.close() })
  const showSpinner = () => card.showSpinner('Classifying …')
  showSpinner()

  function show(result) {
    if (result.problem) return card.showProblem(result.problem)
    toggle = explainToggle(card, { name: card.image.alt, subject: { file, ...result }, onExplain })
    card.showResult({ content: predictionBars(result.prediction), note: modelAndTime(result), button: toggle.button })
  }
  return { element: card.element, show }
}
