import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** Character sets by IANA's MIBenum, as WSP and MMS headers number them; the names are the WHATWG's. */
const byMibEnum: Readonly<Record<number, string>> = {
  3: 'utf-8', // us-ascii, of which UTF-8 is the superset that senders mean
  4: 'windows-1252', // iso-8859-1 as everybody writes it
  17: 'shift_jis',
  38: 'euc-kr',
  106: 'utf-8',
  113: 'gbk',
  114: 'gb18030',
  1000: 'utf-16be', // ISO-10646-UCS-2
  1013: 'utf-16be',
  1014: 'utf-16le',
  1015: 'utf-16be', // UTF-16; a byte order mark says otherwise
  2025: 'gbk', // GB2312, of which GBK is the superset that handsets send
  2026: 'big5',
}

/** `null`: a number that nobody here knows. */
export const charsetOf = (mibEnum: number): string | null => byMibEnum[mibEnum] ?? null

export const utf8MibEnum = 106

/**
 * Text for a person to read: an unknown or wrong charset is replaced by what the bytes look like, what is broken by
 * U+FFFD. A byte order mark outweighs the declaration. NUL, which PostgreSQL cannot keep, becomes U+FFFD, too.
 */
export function textOf(bytes: Uint8Array, charset: string | null): string {
  const declared = charset === null ? null : decoderOf(charset)
  const decoder = marked(bytes) ?? sound(declared, bytes) ?? guessed(bytes)
  return decoder.decode(bytes).replaceAll('\0', '\ufffd')
}

function decoderOf(charset: string): TextDecoder | null {
  const name = charset.trim().toLowerCase().replace(/^"|"$/g, '')
  // WHATWG reads UTF-16 without a mark as little-endian; RFC 2781, 4.3, and WAP say big-endian.
  const label = /^(utf-?16|ucs-?2|iso-10646-ucs-2|unicode)$/.test(name)
    ? 'utf-16be'
    : name === 'us-ascii'
      ? 'utf-8'
      : name
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

function marked(bytes: Uint8Array): TextDecoder | null {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return new TextDecoder('utf-8')
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be')
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le')
  return null
}

/** UTF-8 is the one claim that the bytes themselves can refute. */
function sound(declared: TextDecoder | null, bytes: Uint8Array): TextDecoder | null {
  return declared?.encoding === 'utf-8' && !isUtf8(bytes) ? null : declared
}

/** Undeclared Chinese text that is not UTF-8 is GB 18030, of which GBK and GB 2312 are parts. */
function guessed(bytes: Uint8Array): TextDecoder {
  return new TextDecoder(isUtf8(bytes) ? 'utf-8' : 'gb18030')
}
