import { createHash } from 'node:crypto'

/** Text and JSON as PostgreSQL can hold them, and array literals for short lists; a batch's columns are in columns.ts. */

// PostgreSQL's text and jsonb take neither NUL nor half a surrogate pair, and one such character from a device would
// make a whole batch fail. The bytes as they came stay in `raw`.
export function storable(text: string): string {
  return (text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text).toWellFormed()
}

/** A text as it can stand in an index, whatever its length, and equal to itself when it comes back from there. */
export function indexable(text: string): string {
  return text.length <= 200 ? storable(text) : `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** JSON for a jsonb column: as `JSON.stringify`, every string in it storable. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  // JSON.stringify writes both troublemakers as escapes, so their absence is seen without walking the value.
  if (!json.includes('\\u0000') && !json.includes('\\ud')) return json
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'string') return storable(inner)
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).map(([key, held]) => [storable(key), held]))
  })
}

const needsEscape = /[\\"]/g

function element(text: string): string {
  const clean = storable(text)
  return needsEscape.test(clean) ? `"${clean.replace(needsEscape, '\\$&')}"` : `"${clean}"`
}

export function textArray(values: readonly (string | null)[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (i > 0) out += ','
    out += value === null || value === undefined ? 'NULL' : element(value)
  }
  return `${out}}`
}

/** Values whose text needs no quotes: uuids, numbers. */
export function plainArray(values: readonly (string | number | bigint | null)[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out += ','
    out += values[i] ?? 'NULL'
  }
  return `${out}}`
}
