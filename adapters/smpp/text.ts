import { isAscii, isUtf8 } from 'node:buffer'
import iconv from 'iconv-lite'
import type { TextCoding } from './coding.ts'
import { gsmText, packed, septetsOf, unpacked } from './gsm.ts'

/**
 * A text never fails to be read: whoever wrote it waits for an answer, and the raw octets are kept for whoever can do
 * better. `skipBits` are those between a header and packed septets. Surrogates stay as they came; see `parts.ts`.
 */
export function decodeText(octets: Buffer, coding: TextCoding, skipBits = 0): string {
  return storable(read(octets, coding, skipBits))
}

function read(octets: Buffer, coding: TextCoding, skipBits: number): string {
  switch (coding) {
    case 'gsm':
      return isAscii(octets) ? gsmText(octets) : guessed(octets)
    case 'gsm-packed':
      return gsmText(unpacked(octets, skipBits))
    case 'ascii':
      return isAscii(octets) ? octets.toString('latin1') : guessed(octets)
    case 'latin1':
      return octets.toString('latin1')
    case 'ucs2':
      return utf16(octets)
    case 'gb18030':
    case 'utf8':
      return strictly(octets, coding) ?? strictly(octets, 'utf8') ?? iconv.decode(octets, coding)
    case 'octets':
      return guessed(octets)
    case 'iso-2022-jp':
      return new TextDecoder('iso-2022-jp').decode(octets)
    case 'japanese':
      return japanese(octets)
    case 'iso-8859-5':
    case 'iso-8859-8':
      return iconv.decode(octets, coding)
    case 'ks-c-5601':
      return strictly(octets, 'cp949') ?? strictly(octets, 'utf8') ?? iconv.decode(octets, 'cp949')
  }
}

/**
 * What most peers mean when they do not say, and when what they say cannot be. UTF-8 is hardly ever valid by chance;
 * GB18030 is now and then (Größe in Latin-1 is), but a city here hears more Chinese than German. Latin-1 takes the
 * rest, one character an octet, so that nothing is lost.
 */
function guessed(octets: Buffer): string {
  const text = strictly(octets, 'utf8') ?? strictly(octets, 'gb18030')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: binary contents are told from texts by them
  return text !== null && !/[\u0001-\u0008\u000e-\u001f\u007f-\u009f]/.test(text) ? text : octets.toString('latin1')
}

function strictly(octets: Buffer, encoding: 'utf8' | 'gb18030' | 'cp949'): string | null {
  if (encoding === 'utf8') return isUtf8(octets) ? octets.toString('utf8').replace(/^\ufeff/, '') : null
  const text = iconv.decode(octets, encoding)
  return text.includes('\ufffd') ? null : text
}

/** A byte-order mark is believed; without one it is big-endian. An octet left over stands for itself. */
function utf16(octets: Buffer): string {
  const units = Buffer.from(octets.subarray(0, octets.length & ~1))
  const little = units.length > 1 && units.readUInt16BE(0) === 0xfffe
  const text = (little ? units : units.swap16()).toString('utf16le')
  const rest = octets.subarray(units.length).toString('latin1')
  return (text.startsWith('\ufeff') ? text.slice(1) : text) + rest
}

/**
 * data_coding 5 and 13 name character sets, not how they are written. Peers write Shift_JIS, or escapes; bare pairs of
 * JIS X 0208 could not be told from ASCII.
 */
function japanese(octets: Buffer): string {
  return octets.includes(0x1b) ? new TextDecoder('iso-2022-jp').decode(octets) : iconv.decode(octets, 'shift_jis')
}

/** PostgreSQL's texts hold no NUL. At the end it is a terminator that was counted along; elsewhere it stays visible. */
function storable(text: string): string {
  if (!text.includes('\0')) return text
  let end = text.length
  while (text[end - 1] === '\0') end--
  return text.slice(0, end).replaceAll('\0', '\u2400')
}

/** The octets of a text; a character that the coding lacks becomes `?`. */
export function encodeText(text: string, coding: TextCoding, skipBits = 0): Buffer {
  switch (coding) {
    case 'gsm':
      return septets(text)
    case 'gsm-packed':
      return packed(septets(text), skipBits)
    case 'ucs2':
      return Buffer.from(text, 'utf16le').swap16()
    case 'utf8':
    case 'octets':
      return Buffer.from(text, 'utf8')
    case 'ascii':
    case 'latin1':
      return Buffer.from(Array.from(text, (character) => within(character, coding === 'ascii' ? 0x7f : 0xff)))
    case 'japanese':
    case 'iso-2022-jp':
      return iconv.encode(text, 'shift_jis')
    case 'ks-c-5601':
      return iconv.encode(text, 'cp949')
    default:
      return iconv.encode(text, coding)
  }
}

const question = 0x3f

function within(character: string, most: number): number {
  const code = character.codePointAt(0) ?? question
  return code <= most ? code : question
}

function septets(text: string): Buffer {
  return Buffer.from(Array.from(text).flatMap((character) => septetsOf(character) ?? [question]))
}
