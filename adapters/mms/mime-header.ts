import { textOf } from './charset.ts'
import type { ContentType } from './wsp.ts'

/** MIME header fields (RFC 2045, 2047, 2231) as far as MM7 bodies use them. */

/** A field with parameters: `multipart/related; boundary="x"`. Names in lower case. */
export function fieldWithParameters(value: string): ContentType {
  const parameters: Record<string, string> = {}
  // Either a quoted value with its escapes, or a token: neither can be read in two ways.
  const each = /;\s*([\w!#$%&'*+.^`|~-]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/g
  for (const [, name = '', quoted, token] of value.matchAll(each)) {
    const plain = quoted === undefined ? (token ?? '').trim() : quoted.replace(/\\(.)/g, '$1')
    const key = name.toLowerCase().replace(/\*0?\*?$/, '')
    if (key === '__proto__') continue
    parameters[key] = name.endsWith('*') ? extended(plain) : words(plain)
  }
  return { type: (value.split(';', 1)[0] ?? '').trim().toLowerCase(), parameters }
}

/** `utf-8''%E4%BA%95` (RFC 2231, 4). */
function extended(value: string): string {
  const [, charset = '', encoded = ''] = /^([^']*)'[^']*'(.*)$/s.exec(value) ?? []
  if (charset === '') return value
  return textOf(percentDecoded(encoded), charset)
}

function percentDecoded(text: string): Uint8Array {
  const plain = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}

/** Encoded words (RFC 2047), and raw bytes that header fields should not have but do. `value` holds bytes as Latin-1. */
export function words(value: string): string {
  const encoded = /=\?([\w-]{1,40})(?:\*[\w-]*)?\?([bq])\?([^?\s]*)\?=(?:\s+(?==\?))?/gi
  if (value.includes('=?'))
    return value.replace(encoded, (_, charset: string, form: string, text: string) =>
      textOf(
        form.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedPrintable(text.replaceAll('_', ' ')),
        charset,
      ),
    )
  return /[\x80-\xff]/.test(value) ? textOf(Buffer.from(value, 'latin1'), null) : value
}

/** RFC 2045, 6.7, of bytes as Latin-1. What is no escape stays as it is. */
export function quotedPrintable(text: string): Uint8Array {
  const plain = text
    .replace(/[ \t]{0,80}=[ \t]{0,80}\r?\n/g, (soft) => /^[ \t]*/.exec(soft)?.[0] ?? '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}
