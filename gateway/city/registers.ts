import { z } from 'zod'
import { referCategory, type Scheme } from './categories.ts'
import { categoryKind, id, integer, latitude, longitude, number, optionalText, placed, text, urgency } from './cells.ts'
import type { Component, Tower, VehicleRule } from './city.ts'
import type { CityReader } from './reader.ts'

/** The 14 columns of OpenCelliD's export, named and meant as there. */
const towerColumns = z.object({
  radio: z.enum(['GSM', 'UMTS', 'CDMA', 'LTE', 'NR']),
  mcc: integer(1, 999),
  net: integer(0, 999),
  area: integer(0, 16_777_215),
  cell: integer(0, 68_719_476_735),
  unit: optionalText(),
  lon: longitude(),
  lat: latitude(),
  range: number(0, 100_000),
  samples: integer(0, 1_000_000_000),
  changeable: optionalText(),
  created: optionalText(),
  updated: optionalText(),
  averageSignal: optionalText(),
})

const ruleColumns = z.object({
  id: id(),
  what: z.enum(['off-route', 'standing', 'outside-shift']),
  afterS: number(0, 86_400),
  clearAfterS: number(0, 86_400),
  distanceM: number(0, 100_000),
  speedKmh: number(0, 300),
  scheme: text(),
  kind: categoryKind(),
  code: text(),
  urgency: urgency(),
})

/** States as the census writes them (GB/T 47678.5, table 2). */
const componentStates = { 完好: 'sound', 破损: 'damaged', 丢失: 'lost', 废弃: 'abandoned', 移除: 'removed' } as const

const componentColumns = z.object({
  id: z.string().regex(/^[0-9]+$/, 'must be digits'),
  name: text(),
  scheme: text(),
  categoryCode: text(),
  state: z.enum(['完好', '破损', '丢失', '废弃', '移除'], 'must be 完好, 破损, 丢失, 废弃 or 移除'),
  ...placed,
})

/** Towers by `towerKey`. */
export function readTowers(reader: CityReader): Map<string, Tower> {
  const towers = new Map<string, Tower>()
  for (const row of reader.rows('towers', towerColumns)) {
    const { radio, mcc, net, area, cell, lat, lon, range, samples } = row.value
    const key = towerKey(mcc, net, area, cell)
    if (!reader.define('towers', key, row)) continue
    towers.set(key, Object.freeze({ radio, latitude: lat, longitude: lon, rangeM: range, samples }))
  }
  return towers
}

export function towerKey(mcc: number, mnc: number, lac: number, cell: number): string {
  return `${mcc}-${mnc}-${lac}-${cell}`
}

export function readVehicleRules(reader: CityReader): VehicleRule[] {
  return reader.rows('vehicle-rules', ruleColumns).flatMap((row) => {
    const { scheme, kind, code, ...rule } = row.value
    const first = reader.define('vehicle-rules', rule.id, row)
    referCategory(reader, row, { scheme, kind, code })
    return first ? [Object.freeze({ ...rule, category: Object.freeze({ scheme, kind, code }) })] : []
  })
}

/** Components by id: district, category code and a sequence, its length decided by the scheme. */
export function readComponents(reader: CityReader, schemes: ReadonlyMap<string, Scheme>): Map<string, Component> {
  const components = new Map<string, Component>()
  for (const row of reader.rows('components', componentColumns)) {
    const { id: componentId, name, scheme, categoryCode, state, grid } = row.value
    const wanted = schemes.get(scheme)?.componentDigits ?? componentId.length
    if (componentId.length !== wanted) reader.problem(row, `column id: must be ${wanted} digits in ${scheme}`)
    else if (!componentId.startsWith(categoryCode, 6)) {
      reader.problem(row, `column id: ${componentId} does not say ${categoryCode} after the district`)
    } else reader.refer('districts', componentId.slice(0, 6), row, 'column id')
    referCategory(reader, row, { scheme, kind: 'component', code: categoryCode })
    reader.refer('grids', grid, row, 'column grid')
    if (!reader.define('components', componentId, row)) continue
    const component = { id: componentId, scheme, categoryCode, grid, state: componentStates[state], name }
    components.set(componentId, Object.freeze(component))
  }
  return components
}
