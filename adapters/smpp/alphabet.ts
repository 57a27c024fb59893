import type { DefaultCoding, TextCoding } from './coding.ts'
import { septetsOf } from './gsm.ts'
import { encodeText } from './text.ts'

/** How a text that is too long for one message goes out. */
export const longTexts = ['udh8', 'udh16', 'sar', 'payload'] as const
export type LongText = (typeof longTexts)[number]

/** `shortest`: GSM 7-bit where it carries the text, else UCS-2. */
export const outboundAlphabets = ['shortest', 'ucs2', 'gb18030'] as const
export type OutboundAlphabet = (typeof outboundAlphabets)[number]

/** How a text is written, and how much of it a message carries; costs are septets or octets. */
export interface Alphabet {
  readonly coding: TextCoding
  readonly dataCoding: number
  readonly costOf: (character: string) => number
  readonly single: number
  readonly long: Readonly<Record<Exclude<LongText, 'payload'>, number>>
}

/** What one message carries on the air (3GPP TS 23.040, 9.2.3.16), whatever short_message would take. */
const singleOctets = 140

// A centre turns SAR TLVs into a header of 6 octets, so its parts are as long as with that header.
const septetLimits = { single: 160, long: { udh8: 153, udh16: 152, sar: 153 } } as const
const octetLimits = { single: singleOctets, long: { udh8: 134, udh16: 133, sar: 134 } } as const

export function alphabetFor(
  text: string,
  { alphabet, defaultCoding }: { readonly alphabet: OutboundAlphabet; readonly defaultCoding: DefaultCoding },
): Alphabet {
  if (alphabet === 'gb18030') {
    const costOf = (character: string) => encodeText(character, 'gb18030').length
    return { coding: 'gb18030', dataCoding: 15, costOf, ...octetLimits }
  }
  if (alphabet === 'shortest' && carriesBySeptets(text, defaultCoding)) {
    const costOf = (character: string) => septetsOf(character)?.length ?? 1
    return { coding: defaultCoding, dataCoding: 0, costOf, ...septetLimits }
  }
  return { coding: 'ucs2', dataCoding: 8, costOf: (character) => character.length * 2, ...octetLimits }
}

/**
 * Whether data_coding 0 carries the text. A centre whose default is Latin-1 or ASCII still sends septets over the air,
 * so there a text must be in both alphabets.
 */
function carriesBySeptets(text: string, defaultCoding: DefaultCoding): boolean {
  const highest = { gsm: 0xffff, 'gsm-packed': 0xffff, latin1: 0xff, ascii: 0x7f, ucs2: -1, gb18030: -1 }[defaultCoding]
  return Array.from(text).every((one) => septetsOf(one) !== null && (one.codePointAt(0) ?? 0) <= highest)
}
