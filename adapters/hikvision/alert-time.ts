import { timesOf } from '../../gateway/web/zoned-time.ts'

const shape =
  /^(\d{4})-(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d):(\d\d)(\.\d{1,9})?\s*(?:(Z)|([+-])(\d{1,2})(?::?(\d\d))?(?::\d\d)?)?$/i
const mostOffsetMin = 14 * 60

/**
 * `2019-02-20T15:22:34-8:00`: devices write offsets of one digit, of hours alone, or none. `zone`: whose clock one without
 * an offset shows. `null`: no time, or nobody knows whose.
 */
export function alertTime(text: string, zone: string | null): Date | null {
  const match = shape.exec(text.trim())
  if (match === null) return null
  const [, year, month, day, hour, minute, second, fraction, utc, sign, hours, minutes] = match
  const two = (digits = '') => digits.padStart(2, '0')
  const wall = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${second}`
  if (utc === undefined && sign === undefined) return zone === null ? null : timesOf(zone).instant(wall)
  const offsetMin = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1)
  const instant = timesOf('UTC').instant(wall)
  if (instant === null || Math.abs(offsetMin) > mostOffsetMin || Number(minutes ?? 0) > 59) return null
  return new Date(instant.getTime() - offsetMin * 60_000 + Math.floor(Number(fraction ?? 0) * 1000))
}
