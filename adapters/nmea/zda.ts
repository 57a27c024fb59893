import type { ZDAPacket } from 'nmea-simple'
import * as field from './fields.ts'
import { libraryReader } from './library.ts'

/** ZDA: time and date, with four digits of the year. */
export interface Zda {
  readonly formatter: 'ZDA'
  readonly talker: string
  readonly timeOfDayMs: number | null
  /** ISO date, UTC */
  readonly date: string | null
  readonly zoneHours: number | null
  readonly zoneMinutes: number | null
}

const read = libraryReader<ZDAPacket>('ZDA')

export function parseZda(talker: string, given: string[]): Zda {
  const fields = field.complete('ZDA', given, 5, 7)
  const [, time, day = '', month = '', year = '', hours, minutes] = fields
  const packet = read(fields)
  return {
    formatter: 'ZDA',
    talker,
    timeOfDayMs: field.timeOfDay('ZDA time', time),
    date: zdaDate(day, month, year),
    zoneHours: field.decimal('ZDA zone hours', hours, packet.localZoneHours),
    zoneMinutes: field.decimal('ZDA zone minutes', minutes, packet.localZoneMinutes),
  }
}

/** The ISO date, or `null` where all three fields are empty. */
export function zdaDate(day: string, month: string, year: string): string | null {
  if (day === '' && month === '' && year === '') return null
  const text = `${day}/${month}/${year}`
  if (!/^\d{1,2}\/\d{1,2}\/\d{4}$/.test(text)) throw field.malformed('ZDA date', text)
  return field.calendarDate('ZDA date', text, Number(year), Number(month), Number(day))
}

export function zdaFields(zda: Zda): string {
  const { date, zoneHours, zoneMinutes } = zda
  return [
    field.writeTime(zda.timeOfDayMs),
    date === null ? ',,' : `${date.slice(8, 10)},${date.slice(5, 7)},${date.slice(0, 4)}`,
    zoneHours === null ? '' : `${zoneHours < 0 ? '-' : ''}${field.two(Math.abs(zoneHours))}`,
    zoneMinutes === null ? '' : field.two(zoneMinutes),
  ].join(',')
}
