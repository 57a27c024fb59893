import type { AdapterContext, Inbound } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import type { ModbusOptions, UnitOptions } from './options.ts'
import { inboundOf, type Poll, pollOf } from './poll.ts'
import { readingsOf, sensorOf } from './readings.ts'
import { pointKey, type Telling, type Told, tell } from './telling.ts'

interface Desk {
  readonly unit: UnitOptions
  readonly telling: Telling
  told: Told | null
  /** Handed over in their order, one after the other. */
  readonly waiting: Inbound[]
  handing: Promise<void> | null
}

/**
 * Hands on the polls that tell something. Modbus has nobody to refuse, so what the store does not take waits here, in
 * order and bounded, and is offered again with the next poll: a flood's crest is not lost to a store that was away.
 */
export class Teller {
  readonly #context: AdapterContext
  readonly #held: number
  readonly #boot: string
  readonly #desks: ReadonlyMap<number, Desk>

  constructor(options: ModbusOptions, context: AdapterContext, boot: string) {
    this.#context = context
    this.#held = options.held
    this.#boot = boot
    this.#desks = new Map(options.units.map((unit) => [unit.unit, deskOf(unit)]))
  }

  take(poll: Poll): void {
    const desk = this.#desks.get(poll.unit)
    if (desk === undefined) return
    const message = inboundOf(poll, this.#boot)
    const reports = readingsOf(desk.unit, poll.at, pollOf(message).reads)
    const { news, told } = tell(reports, poll.at.getTime(), desk.told, desk.telling)
    if (news) {
      desk.told = told
      desk.waiting.push(message)
      if (desk.waiting.length > this.#held) {
        // The one that is being handed over stays where it is.
        desk.waiting.splice(1, 1)
        this.#context.refused('poll lost: too much is waiting to be stored', { unit: poll.unit })
      }
    }
    desk.handing ??= this.#hand(desk).finally(() => {
      desk.handing = null
    })
  }

  /** Waits for accepts under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#desks.values()].map(({ handing }) => handing))
  }

  async #hand(desk: Desk): Promise<void> {
    for (let message = desk.waiting[0]; message !== undefined; message = desk.waiting[0]) {
      try {
        await this.#context.accept(message)
      } catch (error) {
        this.#context.log.debug({ unit: desk.unit.unit, reason: describe(error) }, 'modbus poll not stored yet')
        return
      }
      desk.waiting.shift()
    }
  }
}

function deskOf(unit: UnitOptions): Desk {
  const { points, keepEvery } = unit.map
  const deadbands = new Map(points.map((one) => [pointKey(sensorOf(unit, one) ?? '', one.point), one.deadband]))
  return { unit, telling: { keepEveryMs: keepEvery, deadbands }, told: null, waiting: [], handing: null }
}
