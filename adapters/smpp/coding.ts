/** What data_coding 0, the SMSC default alphabet, means on a link. */
export const defaultCodings = ['gsm', 'gsm-packed', 'latin1', 'ascii', 'ucs2', 'gb18030'] as const
export type DefaultCoding = (typeof defaultCodings)[number]

/** How the octets of a text are read. `octets`: nobody says; `text.ts` finds out. */
export const textCodings = [
  ...defaultCodings,
  'utf8',
  'octets',
  'japanese',
  'iso-2022-jp',
  'iso-8859-5',
  'iso-8859-8',
  'ks-c-5601',
] as const
export type TextCoding = (typeof textCodings)[number]

export interface CodingOptions {
  /** What data_coding 0 means on this link. */
  readonly defaultCoding: DefaultCoding
  /** Other meanings of single data_codings, by their number: `{ 15: 'gb18030' }`. */
  readonly codings: Readonly<Record<string, TextCoding>>
}

/** SMPP 3.4, 5.2.19. 15 is reserved there; China's networks write GB18030 so, as CMPP and SMGP do. */
const assigned: Readonly<Record<number, TextCoding>> = {
  1: 'ascii',
  2: 'octets',
  3: 'latin1',
  4: 'octets',
  5: 'japanese',
  6: 'iso-8859-5',
  7: 'iso-8859-8',
  8: 'ucs2',
  10: 'iso-2022-jp',
  13: 'japanese',
  14: 'ks-c-5601',
  15: 'gb18030',
}

/**
 * Above 15 it is GSM's own octet (3GPP TS 23.038, clause 4), so a class or a waiting indication does not hide the
 * alphabet. Compressed texts and reserved groups are `octets`.
 */
export function codingOf(dataCoding: number, { defaultCoding, codings }: CodingOptions): TextCoding {
  const configured = codings[dataCoding]
  if (configured !== undefined) return configured
  if (dataCoding === 0) return defaultCoding
  if (dataCoding < 0x10) return assigned[dataCoding] ?? 'octets'
  // On a link whose default alphabet is not GSM's, an octet of GSM's groups still names GSM's.
  const gsm = defaultCoding === 'gsm-packed' ? 'gsm-packed' : 'gsm'
  const group = dataCoding >> 4
  if (group < 0x8)
    return (dataCoding & 0x20) !== 0
      ? 'octets'
      : (([gsm, 'octets', 'ucs2'] as const)[(dataCoding >> 2) & 3] ?? 'octets')
  if (group === 0xc || group === 0xd) return gsm
  if (group === 0xe) return 'ucs2'
  if (group === 0xf) return (dataCoding & 0x04) === 0 ? gsm : 'octets'
  return 'octets'
}
