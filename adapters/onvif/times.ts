/** Times as XML Schema writes them: durations and dateTimes of ONVIF. */

/** In seconds alone: `PT60S` is what every device reads. */
export const durationText = (ms: number): string => `PT${ms / 1000}S`

/** `PT1M30S`, `P1DT2H`; milliseconds, `null` when it is none, or has years or months. */
export function durationMs(text: string): number | null {
  const found = /^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(text)
  if (found === null || text.endsWith('T') || text === 'P') return null
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0))
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000
}

/**
 * A dateTime. Without a zone it is UTC: every time that ONVIF has is. Zones of one digit (`+8:00`) are read, since devices
 * write them. `null` when it is none.
 */
export function timeOf(text: string): Date | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,12})?(Z|[+-]\d{1,2}:\d\d)?$/.exec(text.trim())
  if (found === null) return null
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number)
  const local = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(local)
  const same = date.getUTCDate() === day && date.getUTCMonth() === month - 1 && hour < 24 && minute < 60 && second < 60
  if (!same || year < 1000) return null
  const zone = /^([+-])(\d{1,2}):(\d\d)$/.exec(found[8] ?? '')
  const offset = zone === null ? 0 : (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]))
  return new Date(local + Math.trunc(Number(found[7] ?? 0) * 1000) - offset * 60_000)
}

/** xs:boolean. */
export const booleanOf = (text: string): boolean | null =>
  text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : null
