/**
 * The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1), one septet an octet or packed
 * (6.1.2). National language shift tables are left out: no network that this gateway meets announces them over SMPP.
 */

const letters =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'

const escapeCode = 0x1b
const carriageReturn = 0x0d
const space = 0x20

const extended: ReadonlyMap<number, string> = new Map([
  [0x0a, '\f'],
  [0x14, '^'],
  [0x28, '{'],
  [0x29, '}'],
  [0x2f, '\\'],
  [0x3c, '['],
  [0x3d, '~'],
  [0x3e, ']'],
  [0x40, '|'],
  [0x65, '€'],
])

const septets: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...Array.from(letters, (letter, code): [string, number[]] => [letter, [code]]),
  ...Array.from(extended, ([code, letter]): [string, number[]] => [letter, [escapeCode, code]]),
])

/** The septets of one character, two of them behind the escape; `null`: the alphabet lacks it. */
export function septetsOf(character: string): readonly number[] | null {
  return character === '\u001b' ? null : (septets.get(character) ?? null)
}

/**
 * Septets, one an octet. An escape before a code that the table lacks shows the letter of the default alphabet, and one
 * at the end a space (6.2.1.1, note 1): so does half of a pair that a peer cut between two parts.
 */
export function gsmText(octets: Uint8Array): string {
  const units = new Uint16Array(octets.length)
  let length = 0
  for (let at = 0; at < octets.length; at++) {
    const code = octets[at] ?? 0
    units[length++] = code === escapeCode ? escaped(octets[++at]) : letters.charCodeAt(code & 0x7f)
  }
  return Buffer.from(units.buffer).toString('utf16le', 0, length * 2)
}

function escaped(code: number | undefined): number {
  if (code === undefined || code === escapeCode) return space
  return extended.get(code)?.charCodeAt(0) ?? letters.charCodeAt(code & 0x7f)
}

/** Bits between a header of this many octets and the first septet (3GPP TS 23.040, 9.2.3.24). */
export function fillBits(headerOctets: number): number {
  return (7 - ((headerOctets * 8) % 7)) % 7
}

/**
 * One septet an octet of packed octets. How many there are is not said anywhere: seven bits that are left in the last
 * octet hold a carriage return as padding, or zeros of a peer that does not pad. So a text that fills its octets and ends
 * in @ loses it, which is rarer than such a peer.
 */
export function unpacked(octets: Uint8Array, skipBits: number): Uint8Array {
  const bits = octets.length * 8 - skipBits
  const septets = new Uint8Array(Math.max(0, Math.floor(bits / 7)))
  for (let i = 0; i < septets.length; i++) {
    const bit = skipBits + i * 7
    const pair = (octets[bit >> 3] ?? 0) | ((octets[(bit >> 3) + 1] ?? 0) << 8)
    septets[i] = (pair >> (bit & 7)) & 0x7f
  }
  const last = septets.at(-1)
  const padded = bits % 7 === 0 && (last === 0 || last === carriageReturn)
  return padded ? septets.subarray(0, -1) : septets
}

/** Packed octets of septets. Seven bits that are left over hold a carriage return, which no reader shows (6.1.2.3.1). */
export function packed(septets: Uint8Array, skipBits: number): Buffer {
  const bits = skipBits + septets.length * 7
  const all = bits % 8 === 1 ? [...septets, carriageReturn] : septets
  const octets = Buffer.alloc(Math.ceil((skipBits + all.length * 7) / 8))
  for (const [i, septet] of all.entries()) {
    const bit = skipBits + i * 7
    const pair = septet << (bit & 7)
    octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (pair & 0xff)
    if (pair > 0xff) octets[(bit >> 3) + 1] = pair >> 8
  }
  return octets
}
