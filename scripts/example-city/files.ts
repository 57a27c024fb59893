/** How the example city is written down: compact, one record or feature a line. */

export type Cell = string | number | null
export type LonLat = readonly [longitude: number, latitude: number]

/** Comma-separated values; the keys of the rows are the columns. */
export function table(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const lines = rows.map((row) => columns.map((column) => quoteCell(row[column] ?? null)).join(','))
  return `${[columns.join(','), ...lines].join('\n')}\n`
}

export interface Feature {
  readonly properties: Readonly<Record<string, Cell>>
  readonly geometry:
    | { readonly type: 'Polygon'; readonly coordinates: readonly (readonly LonLat[])[] }
    | { readonly type: 'LineString'; readonly coordinates: readonly LonLat[] }
}

export function geoJson(features: readonly Feature[]): string {
  const lines = features.map((feature) => JSON.stringify({ type: 'Feature', ...feature }))
  return `{"type":"FeatureCollection","features":[\n${lines.join(',\n')}\n]}\n`
}

/** Six decimals: a decimetre. */
export function degrees(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

export function padded(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function quoteCell(cell: Cell): string {
  const text = cell === null ? '' : String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
