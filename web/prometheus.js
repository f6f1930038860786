// Parses the Prometheus text format, and computes increases and quantiles as PromQL does.

const LINE = /^(\w+)(?:\{(.*)\})? ([^ ]+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

const number = (text) => Number(text.replace('Inf', 'Infinity'))

/** Returns the samples of an exposition: `{name, labels, value}`. */
export function parse(text) {
  const samples = []
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : LINE.exec(line)
    if (!match) continue
    const labels = {}
    for (const [, key, value] of (match[2] ?? '').matchAll(LABEL)) labels[key] = value
    samples.push({ name: match[1], labels, value: number(match[3]) })
  }
  return samples
}

/** Sums a metric over the series for which `matches(labels)` is true. */
export function sum(samples, name, matches = () => true) {
  return samples.reduce((total, s) => (s.name === name && matches(s.labels) ? total + s.value : total), 0)
}

/** Sums a metric by the values of one label and returns a Map. */
export function sumBy(samples, name, label, matches = () => true) {
  const sums = new Map()
  for (const s of samples) {
    if (s.name === name && matches(s.labels)) sums.set(s.labels[label], (sums.get(s.labels[label]) ?? 0) + s.value)
  }
  return sums
}

/** Returns the cumulative counts of a histogram by upper bound, lowest first: `[[bound, count], ...]`. */
export function buckets(samples, name, matches) {
  const sums = sumBy(samples, `${name}_bucket`, 'le', matches)
  return [...sums].map(([bound, count]) => [number(bound), count]).sort(([a], [b]) => a - b)
}

/** Returns the increase of each bucket between two samples. If a count has decreased, the server has restarted and the later
 * counts are the increase. */
export function increase(later, earlier) {
  const before = new Map(earlier)
  const hasRestarted = later.some(([bound, count]) => count < (before.get(bound) ?? 0))
  return hasRestarted ? later : later.map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)])
}

/** Returns the quantile `q`, 0 to 1, of cumulative buckets, interpolated linearly within a bucket; null if they are empty. */
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
