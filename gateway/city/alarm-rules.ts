import { z } from 'zod'
import { quote } from '../errors.ts'
import { sensorKinds } from './cameras-and-sensors.ts'
import { referCategory } from './categories.ts'
import { number, optionalNumber, optionalText, text, urgency } from './cells.ts'
import type { AlarmRule, Camera, Sensor } from './city.ts'
import type { CityReader, Row } from './reader.ts'

const mostS = 30 * 86_400

const columns = z.object({
  subject: text(),
  event: z
    .string()
    .regex(/^[^*]*\*?$/, 'must have a * at its end only')
    .min(1, 'must not be empty'),
  part: optionalText(),
  scheme: optionalText(),
  kind: z.enum(['', 'component', 'event'], 'must be component or event, or empty'),
  code: optionalText(),
  urgency: urgency(),
  joinS: number(0, mostS),
  afterS: number(0, mostS),
  clearAfterS: optionalNumber(1, mostS),
  chatterPerMinute: optionalNumber(1, 100_000),
  stuckAfterS: optionalNumber(1, mostS),
})

const groups: readonly string[] = ['camera', 'sensor', '*']
const kinds: readonly string[] = sensorKinds

/** The most specific first: by subject, then by event, then by part. */
export function readAlarmRules(
  reader: CityReader,
  cameras: ReadonlyMap<string, Camera>,
  sensors: ReadonlyMap<string, Sensor>,
): AlarmRule[] {
  const rules = reader.rows('alarm-rules', columns).flatMap((row) => {
    const { subject, event, part, scheme, kind, code, ...rule } = row.value
    const registered = cameras.has(subject) || sensors.has(subject)
    const judged = !reader.lacks('cameras') && !reader.lacks('sensors')
    if (judged && !registered && !groups.includes(subject) && !kinds.includes(subject))
      reader.problem(row, `column subject: ${quote(subject)} is no camera, no sensor, no kind of sensor and not *`)
    const first = reader.define('alarm-rules', [subject, event, part ?? ''].join(' ').trim(), row)
    const category = categoryOf(reader, row, { scheme, kind, code })
    return first ? [Object.freeze({ ...rule, subject, event, part, category })] : []
  })
  return rules.sort((a, b) => compare(weightOf(b), weightOf(a)))
}

function categoryOf(
  reader: CityReader,
  row: Row<unknown>,
  { scheme, kind, code }: { scheme: string | null; kind: '' | 'component' | 'event'; code: string | null },
): AlarmRule['category'] {
  if (scheme === null && kind === '' && code === null) return null
  if (scheme === null || kind === '' || code === null) {
    reader.problem(row, 'columns scheme, kind and code: all three name a category, or none does')
    return null
  }
  referCategory(reader, row, { scheme, kind, code })
  return Object.freeze({ scheme, kind, code })
}

function weightOf({ subject, event, part }: AlarmRule): readonly number[] {
  const bySubject = subject === '*' ? 0 : groups.includes(subject) ? 1 : kinds.includes(subject) ? 2 : 3
  return [bySubject, event.endsWith('*') ? 0 : 1, event.length, part === null ? 0 : 1]
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((weight, i) => weight !== b[i])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}
