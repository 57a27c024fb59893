import { z } from 'zod'
import { byteSize, duration, path } from '../../config/fields.ts'
import { callShape } from './call-options.ts'

/** As cdr_csv writes them with `loguniqueid`, `loguserfield` and `newcdrcolumns` set in cdr.conf. */
export const csvColumns = [
  'accountcode',
  'src',
  'dst',
  'dcontext',
  'clid',
  'channel',
  'dstchannel',
  'lastapp',
  'lastdata',
  'start',
  'answer',
  'end',
  'duration',
  'billsec',
  'disposition',
  'amaflags',
  'uniqueid',
  'userfield',
  'peeraccount',
  'linkedid',
  'sequence',
] as const

const known: ReadonlySet<string> = new Set([...csvColumns, 'did', 'recording'])

/** `kind: asterisk-cdr`: the CDR file of an exchange on this machine or on a mounted folder. */
export const cdrOptions = z.strictObject({
  /** `/var/log/asterisk/cdr-csv/Master.csv`. Rotated ones lie beside it: `Master.csv.1`, `Master.csv-20261126.gz`. */
  file: path(),
  /** What stands in each line, in order; `did` and `recording` too where cdr_custom writes them; `-` is passed over. */
  columns: z
    .array(z.string().refine((name) => name === '-' || known.has(name), 'must be a column of a CDR, or -'))
    .min(3)
    .refine((names) => names.includes('uniqueid'), 'must have uniqueid')
    .default([...csvColumns]),
  /** How often it is looked at. */
  pollEvery: duration({ least: '50ms' }).prefault('1s'),
  /** So much of its end is read again at a start: what is known is a duplicate. Rather two days than an hour. */
  reread: byteSize().prefault('16MiB'),
  ...callShape,
})

export type CdrOptions = z.output<typeof cdrOptions>
