import type { TextCoding } from './coding.ts'

/** The octets of a text; a character that the coding lacks becomes `?`. */
export function encodeText(text: string, coding: TextCoding): Buffer {
  return coding === 'ucs2' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'latin1')
}
