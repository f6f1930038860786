// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en')

export const count = (value) => (value === null || value === undefined ? '–' : whole.format(value))

/** 0.6344 -> `63.44 %`, which is never broken over two lines. */
export function percent(value, digits = 2) {
  return value === null || value === undefined ? '–' : `${(value * 100).toFixed(digits)}\u00a0%`
}

/** A difference of ratios in points: 0.0123 -> `+1.23`. */
export function points(value, digits = 2) {
  if (value === null || value === undefined) return '–'
  const text = (Math.abs(value) * 100).toFixed(digits)
  return `${Number(text) === 0 ? '±' : value < 0 ? '−' : '+'}${text}`
}

export function decimal(value, digits = 3) {
  return value === null || value === undefined ? '–' : value.toFixed(digits)
}

/** A rate or a size with three figures at most: 0.4, 12.3, 456. */
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–'
  return value >= 100 ? whole.format(Math.round(value)) : `${Number(value.toPrecision(3))}`
}

/** Seconds as `3.2 ms`, `1.25 s`. */
export function seconds(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–'
  if (value === 0) return '0'
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`
  return value < 1 ? `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(2)} s`
}

/** Seconds as `45 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  const s = Math.max(0, Math.round(value))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

export function bytes(value) {
  if (value === null || value === undefined) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1 }
  return `${value < 10 && unit ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** RFC 3339 text as the reader's own date and time. */
export function when(text) {
  const date = text ? new Date(text) : null
  return date && !Number.isNaN(date.valueOf()) ? moment.format(date) : text || '–'
}

const [day, clock] = [{ dateStyle: 'medium' }, { timeStyle: 'short' }].map((style) => new Intl.DateTimeFormat(undefined, style))

/** The ends of an axis of time: dates, or times of the one day. */
export function ends(first, last) {
  const format = day.format(first) === day.format(last) ? clock : day
  return [first, last].map((time) => [time, format.format(time)])
}
