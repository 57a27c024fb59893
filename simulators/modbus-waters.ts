import { ModbusPlant } from './modbus-plant.ts'
import type { Fault, Place } from './modbus-unit.ts'
import { seeded } from './seeded.ts'

/**
 * Water gauges of a city behind one Modbus address: levels that follow the tide and the rain, rain that comes in
 * bursts, pumps that start when the water is high. What they show is a function of the time since the beginning.
 */

export interface WatersSetup {
  /** Unit ids, 1 to 247. */
  readonly units: readonly number[]
  readonly seed?: number
  /** Metres: the level in dry weather, and how far the tide moves it. */
  readonly meanM?: number
  readonly tideM?: number
}

/** Where each value lies; config/maps/water-level.yaml is the map of it. */
export const watersMap = {
  level: { table: 'holding', address: 0, type: 's16', scale: 0.01 },
  rain: { table: 'holding', address: 1, type: 'u16', scale: 0.1 },
  flow: { table: 'input', address: 10, type: 'f32', order: 'cdab' },
  pump: { table: 'coil', address: 0 },
} as const satisfies Record<string, Place>

const tideS = 600
const burstS = 120

export class Waters {
  readonly plant = new ModbusPlant()
  readonly #setup: WatersSetup
  readonly #phases: ReadonlyMap<number, number>
  /** Metres that a storm adds, by when it began and how long it lasts. */
  #storm: { readonly fromS: number; readonly lastsS: number; readonly riseM: number } | null = null

  constructor(setup: WatersSetup) {
    const next = seeded(setup.seed ?? 1)
    this.#setup = setup
    this.#phases = new Map(setup.units.map((unit) => [unit, next() * Math.PI * 2]))
    this.advance(0)
  }

  /** From `fromS` on the levels rise by so much and fall again. */
  storm(fromS: number, lastsS: number, riseM: number): void {
    this.#storm = { fromS, lastsS, riseM }
  }

  /** A unit's fault from now on; `null`: it is sound again. */
  fault(unit: number, fault: Fault | null): void {
    this.plant.unit(unit).fault = fault
  }

  levelM(unit: number, atS: number): number {
    const { meanM = 1.8, tideM = 0.3 } = this.#setup
    const phase = this.#phases.get(unit) ?? 0
    return meanM + tideM * Math.sin((atS / tideS) * Math.PI * 2 + phase) + this.#stormM(atS)
  }

  /** Millimetres an hour. */
  rainMmH(unit: number, atS: number): number {
    const phase = this.#phases.get(unit) ?? 0
    const burst = Math.max(0, Math.sin((atS / burstS) * Math.PI * 2 + phase * 3) - 0.7)
    return Math.round((burst * 30 + this.#stormM(atS) * 40) * 10) / 10
  }

  /** Puts into every unit what its instruments show at that time. */
  advance(atS: number): void {
    for (const number of this.#setup.units) {
      const unit = this.plant.unit(number)
      const level = this.levelM(number, atS)
      unit.put(watersMap.level, level)
      unit.put(watersMap.rain, this.rainMmH(number, atS))
      unit.put(watersMap.flow, Math.fround(Math.max(0, level) * 4.2))
      unit.put(watersMap.pump, level > 2.8 ? 1 : 0)
    }
  }

  #stormM(atS: number): number {
    if (this.#storm === null) return 0
    const { fromS, lastsS, riseM } = this.#storm
    const part = (atS - fromS) / lastsS
    return part <= 0 || part >= 1 ? 0 : riseM * Math.sin(part * Math.PI)
  }
}
