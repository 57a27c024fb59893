/** Values as registers hold them. The standard says big-endian and one register; devices do as they like. */

export const valueTypes = ['bit', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'f32', 'f64', 'bcd16', 'bcd32'] as const
export type ValueType = (typeof valueTypes)[number]

/**
 * Where the bytes of a 32-bit value stand, the most significant being `a`: `cdab` is the low word first, `badc` the low
 * byte of each word first, `dcba` both. Of 64 bits all four words turn round; of 16 bits only the bytes can.
 */
export const wordOrders = ['abcd', 'cdab', 'badc', 'dcba'] as const
export type WordOrder = (typeof wordOrders)[number]

const words: Readonly<Record<ValueType, number>> = {
  ...{ bit: 1, u16: 1, s16: 1, bcd16: 1 },
  ...{ u32: 2, s32: 2, f32: 2, bcd32: 2 },
  ...{ u64: 4, s64: 4, f64: 4 },
}

export const wordsOf = (type: ValueType): number => words[type]

/** Also its own inverse: big-endian into an order is the same turning as back. */
function turned(bytes: Uint8Array, order: WordOrder): Buffer {
  const turn = Buffer.from(bytes)
  if (order === 'badc' || order === 'dcba') turn.swap16()
  if (order === 'abcd' || order === 'badc') return turn
  const count = turn.length / 2
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => turn.subarray(turn.length - 2 * i - 2, turn.length - 2 * i)),
  )
}

/** What the registers hold, unscaled. `fault`: it is no number, and why. */
export type RawValue =
  | { readonly value: number; readonly fault: null }
  | { readonly value: null; readonly fault: string }

export function readValue(bytes: Uint8Array, type: ValueType, order: WordOrder, bit: number): RawValue {
  const big = turned(bytes, order)
  switch (type) {
    case 'bit':
      return number((big.readUInt16BE(0) >> bit) & 1)
    case 'u16':
      return number(big.readUInt16BE(0))
    case 's16':
      return number(big.readInt16BE(0))
    case 'u32':
      return number(big.readUInt32BE(0))
    case 's32':
      return number(big.readInt32BE(0))
    case 'u64':
      return number(Number(big.readBigUInt64BE(0)))
    case 's64':
      return number(Number(big.readBigInt64BE(0)))
    case 'f32':
      return float(shortest(big.readFloatBE(0)), big)
    case 'f64':
      return float(big.readDoubleBE(0), big)
    case 'bcd16':
    case 'bcd32': {
      const digits = big.toString('hex')
      return /^\d+$/.test(digits) ? number(Number(digits)) : { value: null, fault: `0x${digits} is no BCD` }
    }
  }
}

const number = (value: number): RawValue => ({ value, fault: null })

function float(value: number, bytes: Buffer): RawValue {
  return Number.isFinite(value) ? number(value) : { value: null, fault: `0x${bytes.toString('hex')} is ${value}` }
}

/** The shortest decimal that is this very 32-bit float: 1.2, not 1.2000000476837158. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** The registers that hold `value`, unscaled, as `readValue` reads them; for simulators. */
export function writeValue(value: number, type: ValueType, order: WordOrder, bit: number): Buffer {
  const big = Buffer.alloc(wordsOf(type) * 2)
  if (type === 'bit') big.writeUInt16BE(value === 0 ? 0 : 1 << bit)
  else if (type === 'u16') big.writeUInt16BE(value)
  else if (type === 's16') big.writeInt16BE(value)
  else if (type === 'u32') big.writeUInt32BE(value)
  else if (type === 's32') big.writeInt32BE(value)
  else if (type === 'u64') big.writeBigUInt64BE(BigInt(value))
  else if (type === 's64') big.writeBigInt64BE(BigInt(value))
  else if (type === 'f32') big.writeFloatBE(value)
  else if (type === 'f64') big.writeDoubleBE(value)
  else big.write(String(value).padStart(big.length * 2, '0'), 'hex')
  return turned(big, order)
}
