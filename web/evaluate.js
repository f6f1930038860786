// Evaluate: #evaluate (all), #evaluate/ID (one), #evaluate/compare/A/B (two on the same images).

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
