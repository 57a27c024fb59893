import type { AlarmRule, City } from '../city/city.ts'
import type { AlarmReport } from '../report.ts'

/** A word of a device on its own, as a rule is looked for by. */
export type Word = Pick<AlarmReport, 'of' | 'event' | 'part'>

/** What holds where the city has no row: an incident that an operator sees, and no case. */
const unmapped = {
  subject: '*',
  event: '*',
  part: null,
  category: null,
  urgency: 'normal',
  joinS: 60,
  afterS: 0,
  chatterPerMinute: 30,
  stuckAfterS: null,
} as const

const unmappedCamera: AlarmRule = { ...unmapped, clearAfterS: 300 }
/** A sensor says once that something is wrong, and once that it is over. */
const unmappedSensor: AlarmRule = { ...unmapped, clearAfterS: null }

/** `mapped` is false where no row of the city fits. */
export function alarmRule(
  city: City,
  subject: string,
  { of, event, part }: Word,
): { readonly rule: AlarmRule; readonly mapped: boolean } {
  const kind = city.sensor(subject)?.kind ?? null
  const rule = city.alarmRules.find(
    (row) =>
      (row.subject === subject || row.subject === kind || row.subject === of || row.subject === '*') &&
      fits(row.event, event) &&
      (row.part === null || row.part === part),
  )
  return rule === undefined
    ? { rule: of === 'sensor' ? unmappedSensor : unmappedCamera, mapped: false }
    : { rule, mapped: true }
}

function fits(wanted: string, event: string): boolean {
  return wanted.endsWith('*') ? event.startsWith(wanted.slice(0, -1)) : wanted === event
}

/** Signals of one key that are near in time are one incident. */
export function incidentKey({ event, part }: Word, { category }: AlarmRule): string {
  const what = category === null ? `event ${event}` : `${category.scheme} ${category.kind} ${category.code}`
  return `${part ?? ''}\n${what}`
}
