import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { readCsv, splitLine, writeCsv } from '../adapters/asterisk/csv.ts'
import { csvColumns } from '../adapters/asterisk/csv-options.ts'
import { longestLine } from '../adapters/asterisk/lines.ts'
import { startPbx } from '../simulators/asterisk-pbx.ts'
import { amiStage, cdrStage, Shelf, secretWord, until } from './asterisk-stage.ts'

function fileOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'asterisk-cdr-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'Master.csv')
}

/** Call `n` at so many minutes past eight of one day, Shanghai's clock. */
function row(n: number, minute = n, disposition = 'ANSWERED'): Buffer {
  const clock = (second: number) =>
    `2026-11-25 08:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}`
  const head = [
    '',
    '13800138000',
    '1231901',
    'hotline',
    '"李""四"',
    `PJSIP/trunk-${n}`,
    'PJSIP/8001-00000018',
    'Dial',
    '',
  ]
  const times = [clock(0), clock(5), clock(30), 30, 25]
  return writeCsv([...head, ...times, disposition, 'DOCUMENTATION', `1795612890.${n}`, '', '', `1795612890.${n}`, n])
}

const rows = (from: number, to: number) =>
  Buffer.concat(Array.from({ length: to - from }, (_, n) => row(from + n, (from + n) % 60)))

t.test('a file that grows, is rotated and is begun anew', async (t) => {
  const file = fileOf(t)
  const { adapter, shelf } = cdrStage(t, { file })
  await adapter.start()
  writeFileSync(file, rows(0, 3))
  await until('three', () => shelf.messages.size === 3)
  appendFileSync(file, row(3).subarray(0, 40))
  appendFileSync(file, Buffer.concat([row(3).subarray(40), row(4)]))
  await until('a line that came in halves', () => shelf.messages.size === 5)
  renameSync(file, `${file}.1`)
  appendFileSync(`${file}.1`, row(5))
  writeFileSync(file, row(6))
  await until('what was written after the move, and the new file', () => shelf.messages.size === 7)
  truncateSync(file, 0)
  await until('it was seen', () => shelf.messages.size === 7)
  appendFileSync(file, row(7))
  await until('and the file that was emptied', () => shelf.messages.size === 8)
  t.equal(shelf.duplicates, 0)
  t.same(shelf.dead, [])
})

t.test('after a restart what is known is a duplicate, and only the end is read again', async (t) => {
  const file = fileOf(t)
  writeFileSync(file, rows(0, 50))
  const shelf = new Shelf()
  const { adapter } = cdrStage(t, { file }, shelf)
  await adapter.start()
  await until('all', () => shelf.messages.size === 50)
  await adapter.stop()
  appendFileSync(file, rows(50, 52))
  await adapter.start()
  await until('the new ones', () => shelf.messages.size === 52)
  await until('the old ones', () => shelf.duplicates === 50)
  await adapter.stop()

  const some = cdrStage(t, { file, reread: '1KiB' }, shelf)
  await some.adapter.start()
  appendFileSync(file, row(52))
  await until('one more', () => shelf.messages.size === 53)
  t.ok(shelf.duplicates - 50 > 2 && shelf.duplicates - 50 < 8, `${shelf.duplicates - 50} lines in the last KiB`)
  t.same(shelf.dead, [], 'it begins with a whole line')
})

t.test('what cannot be stored is read again, and nothing is passed over', async (t) => {
  const file = fileOf(t)
  writeFileSync(file, rows(0, 40))
  const { adapter, shelf } = cdrStage(t, { file })
  let refusals = 0
  shelf.refuse = () => ++refusals % 3 === 0 && refusals < 90
  await adapter.start()
  await until('all', () => shelf.messages.size === 40)
  appendFileSync(file, row(40))
  await until('and the next', () => shelf.messages.size === 41)
})

t.test('lines that make no sense are dead letters, and the next good one lands', async (t) => {
  const file = fileOf(t)
  const { adapter, shelf } = cdrStage(t, { file })
  await adapter.start()
  const bad = [
    Buffer.from('"","13800138000","123\n'),
    Buffer.from('one,two\n'),
    Buffer.from(row(1).toString().replace('2026-11-25 08:01:00', '2026-02-30 08:01:00')),
    Buffer.from(`${row(2).toString().trim()},1,2,3,4\n`),
    Buffer.concat([Buffer.alloc(longestLine + 10, 0x41), Buffer.from('\n')]),
    Buffer.concat([Buffer.from([0xd5, 0xc5, 0, 0xff]), Buffer.from('\n')]),
  ]
  for (const line of bad) appendFileSync(file, line)
  appendFileSync(file, row(9))
  await until('the good one', () => shelf.calls.length === 1)
  t.same(shelf.dead.map(({ code }) => code).toSorted(), [
    'DECODE_FIELD',
    'DECODE_FIELD',
    'DECODE_FIELD',
    'DECODE_SYNTAX',
    'DECODE_SYNTAX',
    'DECODE_TOO_LARGE',
  ])
  t.match(shelf.calls[0], {
    leg: '1795612890.9',
    seat: '8001',
    ending: 'answered',
    startedAt: new Date('2026-11-25T08:09:00Z'),
    endedAt: new Date('2026-11-25T08:09:30Z'),
  })
})

t.test('a time without a zone is no instant, and recall then looks at all that may be meant', async (t) => {
  const file = fileOf(t)
  writeFileSync(file, rows(0, 10))
  const unknown = cdrStage(t, { file, timeZone: null })
  await unknown.adapter.recall?.(new Date('2026-11-25T00:03:00Z'), new Date('2026-11-25T00:04:10Z'))
  t.equal(unknown.shelf.messages.size, 10)
  t.match(unknown.shelf.calls[0], { startedAt: null, endedAt: null, deviceTime: null, ending: 'answered' })
  const shanghai = cdrStage(t, { file, timeZone: 'Asia/Shanghai' })
  await shanghai.adapter.recall?.(new Date('2026-11-25T00:03:00Z'), new Date('2026-11-25T00:04:10Z'))
  t.same(
    shanghai.shelf.calls.map(({ leg }) => leg),
    ['1795612890.3', '1795612890.4'],
  )
  t.match(shanghai.shelf.calls[0], { startedAt: new Date('2026-11-25T00:03:00Z') })
})

t.test('recall finds what ended within the second in which the asked time begins', async (t) => {
  const file = fileOf(t)
  writeFileSync(file, rows(0, 10))
  const { adapter, shelf } = cdrStage(t, { file })
  await adapter.recall?.(new Date('2026-11-25T08:03:30.900Z'), new Date('2026-11-25T08:04:00Z'))
  t.same(
    shelf.calls.map(({ leg }) => leg),
    ['1795612890.3', '1795612890.4'],
  )
  await adapter.recall?.(new Date('2026-11-25T08:04:31Z'), new Date('2026-11-25T08:04:59.900Z'))
  t.equal(shelf.messages.size, 2)
})

t.test('recall reads what was rotated, packed or not, and rejects when there is nothing to ask', async (t) => {
  const file = fileOf(t)
  writeFileSync(`${file}-20261124.gz`, gzipSync(rows(0, 600)))
  writeFileSync(`${file}.1`, rows(600, 610))
  writeFileSync(file, Buffer.concat([rows(610, 615), row(615).subarray(0, 30)]))
  writeFileSync(`${file}.bak`, rows(700, 710))
  const { adapter, shelf } = cdrStage(t, { file })
  await adapter.recall?.(new Date(0), new Date('2030-01-01T00:00:00Z'))
  t.equal(shelf.messages.size, 615)
  await adapter.recall?.(new Date(0), new Date('2030-01-01T00:00:00Z'))
  t.equal(shelf.duplicates, 615)
  shelf.refuse = () => true
  await t.rejects(async () => adapter.recall?.(new Date(0), new Date('2030-01-01T00:00:00Z')))
  writeFileSync(`${file}-20261123.gz`, 'not packed at all')
  shelf.refuse = () => false
  await t.rejects(async () => adapter.recall?.(new Date(0), new Date('2030-01-01T00:00:00Z')))
  const nowhere = cdrStage(t, { file: join(file, 'nowhere', 'Master.csv') })
  await t.rejects(async () => nowhere.adapter.recall?.(new Date(0), new Date()))
  await t.rejects(nowhere.adapter.start(), { code: 'LINK_CONNECT' })
})

t.test('events that the exchange drops on purpose are all found again in its file', async (t) => {
  const file = fileOf(t)
  const { pbx, port } = await startPbx({ secret: secretWord, cdrFile: file })
  t.teardown(() => pbx.stop())
  const shelf = new Shelf()
  const ami = amiStage(t, { port }, shelf)
  await ami.adapter.start()
  let n = 0
  pbx.drops = () => ++n % 3 !== 0
  const kinds = ['answered', 'busy', 'refused', 'no-answer', 'abandoned', 'failed'] as const
  const from = new Date(Date.now() - 3_600_000)
  for (let call = 0; call < 200; call++) {
    pbx.call({ from: '13800138000', to: '1231901', seat: '8001', ending: kinds[call % 6] ?? 'busy' })
    if (call === 120) pbx.cut()
  }
  await until('the link is down', () => ami.links.some(({ state }) => state === 'down'))
  const live = shelf.count('cdr:')
  t.ok(live > 0 && live < 120, `${live} CDRs came live of 200`)
  t.ok(pbx.tally.dropped > 500, `${pbx.tally.dropped} events were dropped`)
  const cdr = cdrStage(t, { file }, shelf)
  await cdr.adapter.recall?.(from, new Date())
  t.equal(shelf.count('cdr:'), pbx.tally.cdrs)
  t.equal(shelf.duplicates, live, 'none twice')
  const ended = new Map(shelf.calls.filter(({ heard }) => heard === 'record').map(({ call, ending }) => [call, ending]))
  t.equal(ended.size, 200)
  const count = (ending: string) => [...ended.values()].filter((one) => one === ending).length
  const { endings } = pbx.tally
  t.equal(count('answered'), endings.answered)
  t.equal(count('busy'), endings.busy)
  t.equal(count('failed'), endings.failed)
})

t.test('a line of a CDR file', async (t) => {
  t.same(splitLine(Buffer.from('"","a","say ""hi"", then",,3,"x"\n')), ['', 'a', 'say "hi", then', '', '3', 'x'])
  t.same(splitLine(Buffer.from('a\r\n')), ['a'])
  for (const bad of ['"a', 'a"b"', '"a"b', '"a""', 'x,"'])
    t.throws(() => splitLine(Buffer.from(bad)), { code: 'DECODE_SYNTAX' }, bad)
  t.same(splitLine(writeCsv(['a"b', null, 7, 'c,d'])), ['a"b', '', '7', 'c,d'])
  const own = ['uniqueid', '-', 'did', 'recording', 'end']
  t.match(readCsv(Buffer.from('1.2,x,12319,/r/1.wav,2026-11-25 08:00:00\n'), own), {
    uniqueId: '1.2',
    did: '12319',
    recording: '/r/1.wav',
    start: null,
  })
  t.throws(() => readCsv(Buffer.from('a,b,c\n'), csvColumns), { code: 'DECODE_FIELD' })
})
