// Repeated requests. They stop when the view that needs them is hidden, and pause while the tab is in the background.

const RETRY_SECONDS = 2.5

/** Calls `action` now and then every `seconds`, until `signal` is aborted. */
export function poll(action, seconds, signal) {
  action()
  const timer = setInterval(() => { if (!document.hidden) action() }, seconds * 1000)
  signal.addEventListener('abort', () => clearInterval(timer))
}

/** Calls `load` until it succeeds, and `onProblem(problem)` after each failure. Ends without a call if `signal` is aborted, and
 * after a failure that a later call would repeat. */
export async function loadWithRetry(load, onProblem, signal) {
  while (!signal.aborted) {
    try {
      await load()
      return
    } catch (problem) {
      if (signal.aborted) return
      onProblem(problem)
      if (!isTemporary(problem)) return
    }
    await pause()
  }
}

/** Whether the same request can succeed later: the server did not respond, or it is loading models, overloaded or stopping. */
const isTemporary = ({ status }) => status === 0 || status === 429 || status >= 500

/** Waits for the time between two attempts. */
export async function pause() {
  do {
    await new Promise((resolve) => { setTimeout(resolve, RETRY_SECONDS * 1000) })
  } while (document.hidden)
}
