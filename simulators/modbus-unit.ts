import {
  dataBytes,
  encodeAnswer,
  encodeException,
  functionCodes,
  isBits,
  type ReadRequest,
} from '../adapters/modbus/pdu.ts'
import { type ValueType, type WordOrder, wordsOf, writeValue } from '../adapters/modbus/words.ts'

/** Where a value lies in a unit, as a register map says it. */
export interface Place {
  readonly table: keyof typeof functionCodes
  readonly address: number
  readonly type?: ValueType
  readonly order?: WordOrder
  readonly bit?: number
  readonly scale?: number
  readonly offset?: number
}

/**
 * What a unit does instead of answering as it should. `half-frame`: the answer's first half, and never the rest;
 * `late`: after so long; `wrong-transaction`, `wrong-unit`, `wrong-crc`: an answer that is not the one asked for;
 * `short`: fewer registers than were asked for; `garbage`: bytes that are no frame.
 */
export type Fault =
  | { readonly is: 'dead' | 'half-frame' | 'wrong-transaction' | 'wrong-unit' | 'wrong-crc' | 'short' | 'garbage' }
  | { readonly is: 'exception'; readonly code: number }
  | { readonly is: 'late'; readonly ms: number }

/** One unit's tables, the fault it has just now, and how often it was asked. */
export class ModbusUnit {
  readonly unit: number
  fault: Fault | null = null
  /** Its exceptions to reads beyond its registers are like those of devices that refuse gaps. */
  strict = false
  /** Functions it does not react to at all, as some devices do to what they do not have. */
  deaf: ReadonlySet<number> = new Set()
  asked = 0
  answered = 0
  /** When each answer went out, in the clock of `performance`. */
  readonly answeredMs: number[] = []
  readonly #tables: Readonly<Record<number, Map<number, number>>> = {
    1: new Map(),
    2: new Map(),
    3: new Map(),
    4: new Map(),
  }

  constructor(unit: number) {
    this.unit = unit
  }

  /** Puts a value as an instrument would: `value` in its unit, scaled back. */
  put(place: Place, value: number): void {
    const { table, address, order = 'abcd', bit = 0, scale = 1, offset = 0 } = place
    const fn = functionCodes[table]
    const raw = scale === 1 && offset === 0 ? value : Math.round((value - offset) / scale)
    if (isBits(fn)) this.#tables[fn]?.set(address, raw === 0 ? 0 : 1)
    else this.putWords(place, writeValue(raw, place.type ?? 'u16', order, bit))
  }

  /** Puts registers' bytes as they are: a NaN, or what is no BCD. */
  putWords({ table, address, type = 'u16' }: Pick<Place, 'table' | 'address' | 'type'>, bytes: Buffer): void {
    for (let i = 0; i < wordsOf(type); i++)
      this.#tables[functionCodes[table]]?.set(address + i, bytes.readUInt16BE(i * 2))
  }

  answer(request: ReadRequest): Buffer {
    const { fn, address, count } = request
    const table = this.#tables[fn] ?? new Map<number, number>()
    const last = Math.max(-1, ...table.keys())
    const data = Buffer.alloc(dataBytes(request))
    for (let i = 0; i < count; i++) {
      const value = table.get(address + i)
      if (value === undefined && (this.strict || address + i > last)) return encodeException(fn, 2)
      if (isBits(fn)) data[i >> 3] = (data[i >> 3] ?? 0) | ((value ?? 0) << (i & 7))
      else data.writeUInt16BE(value ?? 0, i * 2)
    }
    return encodeAnswer(fn, data)
  }
}
