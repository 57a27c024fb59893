import { GatewayError, quote } from '../../gateway/errors.ts'
import { textOf } from './block.ts'
import type { CdrRecord } from './cdr-record.ts'

/**
 * One line of a CDR file, as cdr_csv writes it: text in quotes, a quote within doubled, numbers and absent times bare.
 * Throws DECODE_SYNTAX.
 */
export function splitLine(bytes: Uint8Array): string[] {
  const line = textOf(bytes).replace(/\r?\n$/, '')
  const values: string[] = []
  for (let at = 0; at <= line.length; ) {
    const field = line[at] === '"' ? quoted(line, at) : bare(line, at)
    values.push(field.value)
    if (field.end < line.length && line[field.end] !== ',') throw unsplit(line)
    at = field.end + 1
  }
  return values
}

function quoted(line: string, from: number): { value: string; end: number } {
  for (let at = line.indexOf('"', from + 1); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line[at + 1] !== '"') return { value: line.slice(from + 1, at).replaceAll('""', '"'), end: at + 1 }
  }
  throw unsplit(line)
}

function bare(line: string, from: number): { value: string; end: number } {
  const comma = line.indexOf(',', from)
  const end = comma < 0 ? line.length : comma
  const value = line.slice(from, end)
  if (value.includes('"')) throw unsplit(line)
  return { value, end }
}

function unsplit(line: string): GatewayError {
  return new GatewayError('DECODE_SYNTAX', `cdr file: a line that cannot be split: ${quote(line, 120)}`)
}

/** Lines may be shorter than `columns`: an exchange without `newcdrcolumns` leaves the last ones out. */
export function readCsv(bytes: Uint8Array, columns: readonly string[]): CdrRecord {
  const values = splitLine(bytes)
  if (values.length > columns.length)
    throw new GatewayError(
      'DECODE_SYNTAX',
      `cdr file: a line of ${values.length} fields where ${columns.length} are known`,
    )
  const get = (name: string): string | null => values[columns.indexOf(name)] || null
  const uniqueId = get('uniqueid')
  if (uniqueId === null) throw new GatewayError('DECODE_FIELD', 'cdr file: no uniqueid (loguniqueid in cdr.conf)')
  return {
    uniqueId,
    linkedId: get('linkedid'),
    sequence: get('sequence'),
    source: get('src'),
    destination: get('dst'),
    context: get('dcontext'),
    channel: get('channel'),
    destinationChannel: get('dstchannel'),
    start: get('start'),
    answer: get('answer'),
    end: get('end'),
    disposition: get('disposition'),
    did: get('did'),
    recording: get('recording'),
  }
}

/** `null` and numbers are bare, as cdr_csv has them. */
export function writeCsv(values: readonly (string | number | null)[]): Buffer {
  const fields = values.map((value) =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : (value?.toString() ?? ''),
  )
  return Buffer.from(`${fields.join(',')}\n`)
}
