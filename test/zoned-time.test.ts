import t from 'tap'
import { timesOf } from '../gateway/web/zoned-time.ts'

const iso = (zone: string, text: string) => timesOf(zone).instant(text)?.toISOString() ?? null

t.test('local times of a zone are instants', async (t) => {
  t.equal(iso('Asia/Shanghai', '2026-11-26 08:00:00'), '2026-11-26T00:00:00.000Z')
  t.equal(iso('Asia/Shanghai', '2026-11-26T08:00:00.25'), '2026-11-26T00:00:00.250Z')
  t.equal(iso('UTC', '1969-12-31 23:59:59'), '1969-12-31T23:59:59.000Z')
  t.equal(iso('Asia/Kathmandu', '2026-01-01 00:00:00'), '2025-12-31T18:15:00.000Z')
})

t.test('on days when the clocks change', async (t) => {
  t.equal(iso('Europe/Berlin', '2026-03-29 01:59:59'), '2026-03-29T00:59:59.000Z')
  t.equal(iso('Europe/Berlin', '2026-03-29 02:30:00'), '2026-03-29T01:30:00.000Z', 'an hour that is left out')
  t.equal(iso('Europe/Berlin', '2026-03-29 03:00:00'), '2026-03-29T01:00:00.000Z')
  t.equal(iso('Europe/Berlin', '2026-10-25 02:30:00'), '2026-10-25T00:30:00.000Z', 'an hour that comes twice')
  t.equal(iso('Europe/Berlin', '2026-10-25 03:00:00'), '2026-10-25T02:00:00.000Z')
  t.equal(iso('Asia/Shanghai', '1988-04-17 03:30:00'), '1988-04-16T18:30:00.000Z', 'China had summer time')
  t.equal(iso('America/New_York', '2026-11-01 01:30:00'), '2026-11-01T05:30:00.000Z')
})

t.test('what is no time is none', async (t) => {
  for (const text of [
    '',
    '2026-02-30 00:00:00',
    '2026-01-01 24:00:00',
    '2026-01-01 00:60:00',
    '2026-01-01',
    '2026-13-01 00:00:00',
  ])
    t.equal(iso('Asia/Shanghai', text), null, text)
  t.throws(() => timesOf('Nowhere/City'), RangeError)
})
