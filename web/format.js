// Numbers and times as text.

const integer = new Intl.NumberFormat('en')
const NO_VALUE = '–'

const isMissing = (value) => value === null || value === undefined || Number.isNaN(value)

/** 7178 -> `7,178`. */
export const count = (value) => (isMissing(value) ? NO_VALUE : integer.format(value))

/** 0.6344 -> `63.44 %`, with a non-breaking space. */
export function percent(value, digits = 2) {
  return isMissing(value) ? NO_VALUE : `${(value * 100).toFixed(digits)}\u00a0%`
}

/** A difference of ratios in percentage points: 0.0123 -> `+1.23`. */
export function points(value, digits = 2) {
  if (isMissing(value)) return NO_VALUE
  const text = (Math.abs(value) * 100).toFixed(digits)
  return `${Number(text) === 0 ? '±' : value < 0 ? '−' : '+'}${text}`
}

export function decimal(value, digits = 3) {
  return isMissing(value) ? NO_VALUE : value.toFixed(digits)
}

/** A rate with at most three significant digits: 0.4, 12.3, 456. */
export function threeDigits(value) {
  if (isMissing(value)) return NO_VALUE
  return value >= 100 ? integer.format(Math.round(value)) : `${Number(value.toPrecision(3))}`
}

/** A latency in seconds as `3.2 ms` or `1.25 s`. */
export function latency(value) {
  if (isMissing(value)) return NO_VALUE
  if (value === 0) return '0'
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`
  return value < 1 ? `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(2)} s`
}

/** A duration in seconds as `45 s`, `3 min 5 s` or `2 h 10 min`. */
export function duration(value) {
  if (isMissing(value) || !Number.isFinite(value)) return NO_VALUE
  const s = Math.max(0, Math.round(value))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

export function bytes(value) {
  if (isMissing(value)) return NO_VALUE
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1 }
  return `${value < 10 && unit ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const dateOnly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

/** An RFC 3339 time in the time zone and language of the user. */
export function dateTime(text) {
  const date = text ? new Date(text) : null
  return date && !Number.isNaN(date.valueOf()) ? dateAndTime.format(date) : text || NO_VALUE
}

/** Labels for both ends of a time axis: dates, or times if both are on the same day. */
export function timeAxisLabels(first, last) {
  const format = dateOnly.format(first) === dateOnly.format(last) ? timeOnly : dateOnly
  return [first, last].map((time) => [time, format.format(time)])
}
