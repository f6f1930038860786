// The view "Evaluate": #evaluate (all evaluations), #evaluate/ID (one), #evaluate/compare/A/B (a comparison of two).

import { showComparison } from './comparison.js'
import { hideEvaluation, showEvaluation } from './evaluation.js'
import { hideEvaluations, showEvaluations } from './evaluations.js'

export function show(section, [id, a, b]) {
  hide()
  if (!id) showEvaluations(section)
  else if (id === 'compare' && a && b) showComparison(section, a, b)
  else showEvaluation(section, id)
}

export function hide() {
  hideEvaluations()
  hideEvaluation()
}
