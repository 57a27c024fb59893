import type { City, Tower } from '../city/city.ts'
import type { CellSighting } from '../report.ts'
import { distanceM } from './distance.ts'

/** Where a device is by the cells it sees: within `radiusM` of a point. */
export interface CellPlace {
  readonly latitude: number
  readonly longitude: number
  readonly radiusM: number
}

interface Heard {
  readonly tower: Tower
  readonly weight: number
  readonly reachM: number
}

/** `null` when the city knows none of the cells. */
export function placeOfCells(cells: readonly CellSighting[], city: City): CellPlace | null {
  if (cells.length === 0) return null
  const heard = agreeing(known(cells, city))
  const [first] = heard
  if (first === undefined) return null
  if (heard.length === 1) {
    const { latitude, longitude } = first.tower
    return { latitude, longitude, radiusM: first.reachM }
  }
  let weight = 0
  let latitude = 0
  let longitude = 0
  for (const one of heard) {
    weight += one.weight
    latitude += one.weight * one.tower.latitude
    longitude += one.weight * one.tower.longitude
  }
  const centre = { latitude: latitude / weight, longitude: longitude / weight }
  // The device is within reach of each tower it hears, so the tightest of these bounds holds.
  let radiusM = Number.POSITIVE_INFINITY
  for (const { tower, reachM } of heard) radiusM = Math.min(radiusM, distanceM(centre, tower) + reachM)
  return { ...centre, radiusM: Math.round(radiusM) }
}

/** Those the city knows: the serving cell first, then the strongest. */
function known(cells: readonly CellSighting[], city: City): Heard[] {
  const strongestDbm = cells.reduce((most, { signalDbm }) => Math.max(most, dbmOf(signalDbm) ?? weakDbm), weakDbm)
  const serving: Heard[] = []
  const neighbours: Heard[] = []
  for (const one of cells) {
    const tower = city.tower(one.mcc, one.mnc, one.lac, one.cell)
    if (tower === null) continue
    // A phone is served by the cell it hears best, so a serving cell without a signal is as strong as the strongest.
    const dbm = dbmOf(one.signalDbm) ?? (one.serving ? strongestDbm : weakDbm)
    const list = one.serving ? serving : neighbours
    list.push({ tower, weight: weightOf(dbm, one.serving), reachM: reachOf(tower, one.serving) })
  }
  return [...serving, ...neighbours.sort((a, b) => b.weight - a.weight)]
}

const weakDbm = -100

function dbmOf(signalDbm: number | null): number | null {
  return signalDbm !== null && signalDbm < 0 ? Math.min(-40, Math.max(-120, signalDbm)) : null
}

/** Signal falls with about the third power of distance: the weight is nearness. The serving cell counts twice. */
function weightOf(dbm: number, serving: boolean): number {
  return 10 ** ((dbm + 120) / 30) * (serving ? 2 : 1)
}

const usualReachM: Readonly<Record<string, number>> = { GSM: 2000, UMTS: 1000, CDMA: 2000, LTE: 1000, NR: 500 }

/** A table's range of 0 means that nobody measured it. Neighbours are heard from beyond the range they serve. */
function reachOf({ rangeM, radio }: Tower, serving: boolean): number {
  const servesM = Number.isFinite(rangeM) && rangeM > 0 ? Math.max(50, rangeM) : (usualReachM[radio] ?? 2000)
  return serving ? servesM : servesM * 1.5
}

/** Without the towers that cannot be heard together with the first: a wrong row of the table, or a moved tower. */
function agreeing(heard: Heard[]): Heard[] {
  const [first] = heard
  if (first === undefined || heard.length === 1) return heard
  return heard.filter(({ tower, reachM }) => distanceM(tower, first.tower) <= reachM + first.reachM)
}
