import { GatewayError, quote } from '../../gateway/errors.ts'
import { percentDecoded, textOf } from './text.ts'

/**
 * What mod_json_cdr, mod_xml_cdr and mod_format_cdr put around a record: nothing, a form field `cdr=` with it escaped,
 * in base64 or as it is. Told by the bytes: with disable-100-continue the modules send no content type of their own.
 */

const spaces = new Set([0x20, 0x09, 0x0a, 0x0d])

/** The record as text, without what is around it; `null`: it is none of these. Pure, and the same for every repeat. */
export function unwrapped(body: Uint8Array): string | null {
  const record = fieldOf(trimmed(body))
  const begins = Buffer.from(record.subarray(0, 12)).toString('latin1')
  if (/^(?:[{[<]|\xef\xbb\xbf)/.test(begins)) return textOf(record).replace(/^\ufeff/, '')
  if (/^(?:%[0-9A-Fa-f]{2})/.test(begins)) return textOf(trimmed(percentDecoded(spaced(record))))
  const text = Buffer.from(record).toString('latin1')
  return text.length > 0 && /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? textOf(Buffer.from(text, 'base64')) : null
}

export function record(body: Uint8Array): string {
  const text = unwrapped(body)
  if (text !== null) return text
  const begins = Buffer.from(body.subarray(0, 60)).toString('latin1')
  throw new GatewayError('DECODE_SYNTAX', `FreeSWITCH CDR: neither JSON nor XML nor a form with one: ${quote(begins)}`)
}

/** What stands behind `cdr=`. Only an escaped record ends at the next `&`: XML that is not escaped has some of its own. */
function fieldOf(body: Uint8Array): Uint8Array {
  const head = Buffer.from(body.subarray(0, 4096)).toString('latin1')
  const at = /^(?:[\w.-]+=[^&{<]*&)*cdr=/.exec(head)?.[0].length ?? 0
  const record = body.subarray(at)
  const next = record[0] === 0x25 ? record.indexOf(0x26) : -1
  return next < 0 ? record : record.subarray(0, next)
}

/** FreeSWITCH escapes a plus sign, so that one which stands bare is another program's space: somebody posts files by hand. */
function spaced(record: Uint8Array): Uint8Array {
  return record.includes(plus) ? record.map((byte) => (byte === plus ? 0x20 : byte)) : record
}

const plus = 0x2b

function trimmed(bytes: Uint8Array): Uint8Array {
  let [from, to] = [0, bytes.length]
  while (from < to && spaces.has(bytes[from] ?? 0)) from++
  while (to > from && spaces.has(bytes[to - 1] ?? 0)) to--
  return bytes.subarray(from, to)
}
