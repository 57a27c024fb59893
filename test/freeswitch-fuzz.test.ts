import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import { FrameReader } from '../adapters/freeswitch/esl-frame.ts'
import { eventMessage } from '../adapters/freeswitch/esl-key.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'

/** Spoilt input may give DECODE_ errors and reports that hold, and takes no time. */
const folder = `${packageRoot}test/cases/freeswitch/`
const inputs = (ending: string) =>
  readdirSync(folder)
    .map((name) => `${folder}${name}/input.${ending}`)
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file))
const random = seeded(20_261_125)
const below = (limit: number) => Math.floor(random() * limit)
const pieces = [
  '\0',
  '\xff\xd6',
  '%',
  '%25',
  '"',
  '\\',
  '{',
  ']',
  '<a>',
  '</',
  '&#x',
  '&amp;',
  '\n\n',
  'Content-Length: 7\n',
  '=',
  '99999999999999999999',
  '__proto__',
]

function mutated(bytes: Buffer): Buffer {
  let copy = Buffer.from(bytes)
  for (let n = 0; n <= below(5); n++) {
    const at = below(copy.length)
    const kind = below(4)
    if (kind === 0) copy[at] = below(256)
    else if (kind === 1) copy = copy.subarray(0, at + 1)
    else if (kind === 2) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + below(40))])
    else {
      const piece = Buffer.from(pieces[below(pieces.length)] ?? '', 'latin1')
      copy = Buffer.concat([copy.subarray(0, at), piece, copy.subarray(at)])
    }
  }
  return copy
}

function problem(read: () => Report[]): string | null {
  try {
    for (const report of read()) {
      if (report.kind === 'malformed') continue
      if (report.kind !== 'call') return report.kind
      if (report.subject === '' || report.leg === '' || report.call === '') return 'an empty name'
      const times = [report.deviceTime, report.startedAt, report.ringingAt, report.answeredAt, report.endedAt]
      if (times.some((at) => at !== null && Number.isNaN(at.getTime()))) return 'a time that is none'
    }
    return null
  } catch (error) {
    return error instanceof GatewayError && error.code.startsWith('DECODE_') ? null : String(error)
  }
}

t.test('spoilt CDRs', async (t) => {
  const options = freeswitchCdr.options.parse({ timeZone: 'Asia/Shanghai' })
  const receivedAt = new Date()
  const problems = new Set<string>()
  for (const input of inputs('http'))
    for (let n = 0; n < 1500; n++) {
      const raw = mutated(input.subarray(input.indexOf('\n\n') + 2))
      const found = problem(() =>
        freeswitchCdr.decode({ key: '', raw, envelope: { exchange: 'pbx' }, receivedAt }, options),
      )
      if (found !== null) problems.add(found)
    }
  t.same([...problems], [])
})

t.test('spoilt events', async (t) => {
  const options = freeswitchEsl.options.parse({ password: 'x' })
  const receivedAt = new Date()
  const problems = new Set<string>()
  for (const input of inputs('esl'))
    for (let n = 0; n < 1500; n++) {
      const found = problem(() => {
        const frames = [...new FrameReader(10_000).push(mutated(input))]
        return frames.flatMap((frame) => {
          const message = eventMessage(n % 2 === 0 ? 'json' : 'plain', frame, { exchange: 'pbx', peer: 'x' })
          return message === null ? [] : freeswitchEsl.decode({ ...message, receivedAt }, options)
        })
      })
      if (found !== null) problems.add(found)
    }
  t.same([...problems], [])
})

t.test('spoilt lists of channels', async (t) => {
  const options = freeswitchEsl.options.parse({ password: 'x' })
  const row = {
    uuid: 'a',
    direction: 'inbound',
    created_epoch: '1795000000',
    cid_num: '138',
    dest: '1',
    call_uuid: 'b',
  }
  const list = Buffer.from(JSON.stringify({ row_count: 2, rows: [row, { ...row, uuid: 'b' }] }))
  const problems = new Set<string>()
  for (let n = 0; n < 3000; n++) {
    const envelope = { content: 'channels', exchange: 'pbx' }
    const message = { key: '', raw: mutated(list), envelope, receivedAt: new Date() }
    const found = problem(() => freeswitchEsl.decode(message, options))
    if (found !== null) problems.add(found)
  }
  t.same([...problems], [])
})

t.test('large and deep bodies take no time', async (t) => {
  const options = freeswitchCdr.options.parse({})
  const mib = 8 * 1024 * 1024
  const bodies = [
    '['.repeat(mib),
    '['.repeat(mib / 2) + ']'.repeat(mib / 2),
    `[${'1,'.repeat(mib / 2)}1]`,
    `<cdr ${'a="b" '.repeat(mib / 6)}/>`,
    `cdr=${'%'.repeat(mib)}`,
    `cdr=${'a='.repeat(mib / 2)}`,
    `<cdr><variables>${'<a>'.repeat(mib / 3)}`,
    `<cdr>${'<callflow/>'.repeat(mib / 11)}</cdr>`,
    `<cdr><variables><uuid>${'&amp;'.repeat(mib / 5)}</uuid></variables></cdr>`,
    `{"variables":{"uuid":"${'"'.repeat(mib)}"}}`,
    `${'a=b&'.repeat(mib / 4)}cdr={}`,
    ' '.repeat(mib),
  ]
  for (const body of bodies) {
    const began = performance.now()
    const raw = Buffer.from(body)
    const found = problem(() => freeswitchCdr.decode({ key: '', raw, envelope: {}, receivedAt: new Date() }, options))
    t.equal(found, null, body.slice(0, 30))
    t.ok(performance.now() - began < 3000, `${body.slice(0, 30)}: ${Math.round(performance.now() - began)} ms`)
  }
})
