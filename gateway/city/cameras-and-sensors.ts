import { z } from 'zod'
import { id, optionalText, placed, text } from './cells.ts'
import type { Camera, Sensor } from './city.ts'
import type { CityReader, Row } from './reader.ts'
import { deviceSpace } from './subjects.ts'

export const sensorKinds = ['water-level', 'rain', 'bridge', 'manhole'] as const

const component = optionalText().optional()
const cameraColumns = z.object({ id: id(), name: text(), owner: text(), component, ...placed })
const sensorColumns = z.object({ id: id(), name: text(), kind: z.enum(sensorKinds), component, ...placed })

export function readCameras(reader: CityReader): Map<string, Camera> {
  return byId(reader, reader.rows('cameras', cameraColumns))
}

export function readSensors(reader: CityReader): Map<string, Sensor> {
  return byId(reader, reader.rows('sensors', sensorColumns))
}

interface Columns {
  readonly id: string
  readonly grid: string
  readonly component?: string | null | undefined
}

/** Read after the components, which they may name. */
function byId<Own extends Columns>(
  reader: CityReader,
  rows: readonly Row<Own>[],
): Map<string, Own & { readonly component: string | null }> {
  const found = new Map<string, Own & { readonly component: string | null }>()
  for (const row of rows) {
    reader.refer('grids', row.value.grid, row, 'column grid')
    reader.refer('components', row.value.component ?? null, row, 'column component')
    if (!reader.define(deviceSpace, row.value.id, row)) continue
    found.set(row.value.id, Object.freeze({ ...row.value, component: row.value.component ?? null }))
  }
  return found
}
