// Reads Prometheus' text format, and takes rates and quantiles from differences as PromQL does.

const LINE = /^(\w+)(?:\{(.*)\})? ([^ ]+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** The samples of an exposition: `{name, labels, value}`. */
export function parse(text) {
  const samples = []
  for (const line of text.split('\n')) {
    const found = line.startsWith('#') ? null : LINE.exec(line)
    if (!found) continue
    const labels = {}
    for (const [, key, value] of (found[2] ?? '').matchAll(LABEL)) labels[key] = value
    samples.push({ name: found[1], labels, value: Number(found[3].replace('Inf', 'Infinity')) })
  }
  return samples
}

/** The sum of a metric over the series that `matches(labels)` takes. */
export function sum(samples, name, matches = () => true) {
  return samples.reduce((total, s) => (s.name === name && matches(s.labels) ? total + s.value : total), 0)
}

/** A metric's sums by the values of one label: a Map. */
export function sumBy(samples, name, label, matches = () => true) {
  const sums = new Map()
  for (const s of samples) {
    if (s.name === name && matches(s.labels)) sums.set(s.labels[label], (sums.get(s.labels[label]) ?? 0) + s.value)
  }
  return sums
}

/** A histogram's cumulative counts by upper bound, lowest first: `[[bound, count], ...]`. */
export function buckets(samples, name, matches) {
  const sums = sumBy(samples, `${name}_bucket`, 'le', matches)
  return [...sums].map(([bound, count]) => [Number(bound.replace('Inf', 'Infinity')), count]).sort(([a], [b]) => a - b)
}

/** What came between two readings of the same counts. A server that started anew counts from zero. */
export function since(later, earlier) {
  const before = new Map(earlier)
  const restarted = later.some(([key, count]) => count < (before.get(key) ?? 0))
  return restarted ? later : later.map(([key, count]) => [key, count - (before.get(key) ?? 0)])
}

/** A quantile, 0 to 1, of cumulative buckets; even within a bucket. Null of nothing. */
export function quantile(cumulative, q) {
  const total = cumulative.at(-1)?.[1] ?? 0
  if (total === 0) return null
  const rank = q * total
  const index = cumulative.findIndex(([, count]) => count >= rank)
  const [upper, count] = cumulative[index]
  const [lower, below] = index > 0 ? cumulative[index - 1] : [0, 0]
  if (upper === Infinity) return lower
  return lower + (upper - lower) * ((rank - below) / (count - below || 1))
}
