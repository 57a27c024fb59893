import type { Position } from './shape.ts'

export interface GeoFeature {
  readonly line: number
  readonly properties: unknown
  readonly geometry: unknown
}

export interface GeoTable {
  readonly features: readonly GeoFeature[]
  readonly fault: { readonly line: number | null; readonly message: string } | null
}

/** A GeoJSON FeatureCollection (RFC 7946), with the line each feature begins on, however the file is laid out. */
export function parseGeoJson(text: string): GeoTable {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { features: [], fault: syntaxFault(text, error as SyntaxError) }
  }
  if (!isRecord(value) || value.type !== 'FeatureCollection' || !Array.isArray(value.features)) {
    return { features: [], fault: { line: 1, message: 'is not a GeoJSON FeatureCollection' } }
  }
  const lines = featureLines(text)
  const features = value.features.map((feature: unknown, index) => {
    const { properties, geometry } = isRecord(feature) ? feature : {}
    return { line: lines[index] ?? 1, properties, geometry }
  })
  return { features, fault: null }
}

/** Polygons of a Polygon or MultiPolygon, outer ring first; `null` for anything else. */
export function polygonsOf(geometry: unknown): Position[][][] | null {
  if (!isRecord(geometry)) return null
  const { type, coordinates } = geometry
  if (type === 'Polygon' && isPolygon(coordinates)) return [coordinates]
  return type === 'MultiPolygon' && isFull(coordinates) && coordinates.every(isPolygon) ? coordinates : null
}

/** Positions of a LineString; `null` for anything else. */
export function lineOf(geometry: unknown): Position[] | null {
  if (!isRecord(geometry) || geometry.type !== 'LineString') return null
  const { coordinates } = geometry
  return isLine(coordinates) && coordinates.length >= 2 ? coordinates : null
}

const isPolygon = (value: unknown): value is Position[][] => isFull(value) && value.every(isLine)
const isLine = (value: unknown): value is Position[] => isFull(value) && value.every(isPosition)
const isFull = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0

function isPosition(value: unknown): value is Position {
  return Array.isArray(value) && value.length >= 2 && value.slice(0, 2).every((part) => Number.isFinite(part))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where a text stops being JSON. */
export function syntaxFault(text: string, error: SyntaxError) {
  // The engine puts the offset into its message, and none when the text simply ends.
  const offset = /position (\d+)/.exec(error.message)?.[1]
  const before = offset === undefined ? text.trimEnd() : text.slice(0, Number(offset))
  return { line: before.split('\n').length, message: `is not JSON: ${error.message}` }
}

/** Lines of the objects in the outermost `features` array of a text already known to be JSON. */
function featureLines(text: string): number[] {
  const lines: number[] = []
  let line = 1
  let depth = 0
  let key = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '\n') line++
    else if (char === '"') {
      const end = stringEnd(text, i)
      if (depth === 1) key = text.slice(i + 1, end)
      i = end
    } else if (char === '{' || char === '[') {
      if (depth === 1 && char === '[' && key === 'features') lines.length = 0
      if (depth === 2 && char === '{' && key === 'features') lines.push(line)
      depth++
    } else if (char === '}' || char === ']') depth--
  }
  return lines
}

function stringEnd(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end
}
