import { isUtf8 } from 'node:buffer'

/**
 * What bytes are, by how they begin. The house's list of what handsets send, because `decode` is synchronous and the
 * libraries that know more (file-type) are not.
 */

interface Signature {
  readonly type: string
  readonly at: number
  readonly bytes: string
  /** A second look, further behind. */
  readonly and?: { readonly at: number; readonly bytes: string }
}

const iso = (brand: string, type: string): Signature => ({ type, at: 4, bytes: 'ftyp', and: { at: 8, bytes: brand } })
const riff = (form: string, type: string): Signature => ({ type, at: 0, bytes: 'RIFF', and: { at: 8, bytes: form } })

const signatures: readonly Signature[] = [
  { type: 'image/jpeg', at: 0, bytes: '\xff\xd8\xff' },
  { type: 'image/png', at: 0, bytes: '\x89PNG\r\n\x1a\n' },
  { type: 'image/gif', at: 0, bytes: 'GIF87a' },
  { type: 'image/gif', at: 0, bytes: 'GIF89a' },
  { type: 'image/bmp', at: 0, bytes: 'BM', and: { at: 6, bytes: '\0\0\0\0' } },
  { type: 'image/tiff', at: 0, bytes: 'II*\0' },
  { type: 'image/tiff', at: 0, bytes: 'MM\0*' },
  riff('WEBP', 'image/webp'),
  iso('heic', 'image/heic'),
  iso('heix', 'image/heic'),
  iso('mif1', 'image/heif'),
  iso('avif', 'image/avif'),
  iso('3gp', 'video/3gpp'),
  iso('3g2', 'video/3gpp2'),
  iso('qt  ', 'video/quicktime'),
  iso('M4A', 'audio/mp4'),
  { type: 'video/mp4', at: 4, bytes: 'ftyp' },
  { type: 'video/webm', at: 0, bytes: '\x1aE\xdf\xa3' },
  riff('AVI ', 'video/x-msvideo'),
  { type: 'audio/amr', at: 0, bytes: '#!AMR\n' },
  { type: 'audio/amr-wb', at: 0, bytes: '#!AMR-WB\n' },
  riff('WAVE', 'audio/wav'),
  { type: 'audio/midi', at: 0, bytes: 'MThd' },
  { type: 'audio/ogg', at: 0, bytes: 'OggS' },
  { type: 'audio/mpeg', at: 0, bytes: 'ID3' },
  { type: 'audio/mpeg', at: 0, bytes: '\xff\xfb' },
  { type: 'audio/aac', at: 0, bytes: '\xff\xf1' },
  { type: 'application/pdf', at: 0, bytes: '%PDF-' },
]

/** Never anything that a browser or a shell would run: such bytes are `application/octet-stream`. */
const unknownType = 'application/octet-stream'

/**
 * `claimed` is believed of plain text that really is text, and of nothing else: a picture is one when it begins like
 * one.
 */
export function sniffed(content: Uint8Array, claimed: string | null): string {
  const found = signatures.find((signature) => matches(content, signature))
  if (found !== undefined) return found.type
  const isText = claimed !== null && textTypes.has(claimed) && isUtf8(content) && !content.includes(0)
  return isText && !runs(content) ? claimed : unknownType
}

const textTypes = new Set(['text/plain', 'text/vcard', 'text/x-vcard', 'text/calendar', 'text/x-vcalendar', 'text/csv'])

/** A script by its first two characters (`#!`), or markup. */
function runs(content: Uint8Array): boolean {
  return startsWith(content, 0, '#!') || /^\s*</.test(Buffer.from(content.subarray(0, 64)).toString('latin1'))
}

function matches(content: Uint8Array, { at, bytes, and }: Signature): boolean {
  return startsWith(content, at, bytes) && (and === undefined || startsWith(content, and.at, and.bytes))
}

function startsWith(content: Uint8Array, at: number, bytes: string): boolean {
  if (content.length < at + bytes.length) return false
  for (let i = 0; i < bytes.length; i++) if (content[at + i] !== bytes.charCodeAt(i)) return false
  return true
}
