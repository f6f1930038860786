// The view "Evaluate": #evaluate (all evaluations), #evaluate/ID (one), #evaluate/compare/A/B (a comparison of two).

import { showComparison } from './comparison.js'
import { showEvaluation } from './evaluation.js'
import { showEvaluations } from './evaluations.js'

let shown = new AbortController()

export function show(section, [id, a, b]) {
  hide()
  shown = new AbortController()
  if (!id) showEvaluations(section, shown.signal)
  else if (id === 'compare' && a && b) showComparison(section, a, b, shown.signal)
  else showEvaluation(section, id, shown.signal)
}

/** Ends all requests of the view. */
export function hide() {
  shown.abort()
}
