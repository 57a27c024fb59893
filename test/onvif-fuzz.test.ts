import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { messagesIn } from '../adapters/onvif/notified.ts'
import { onvifPull } from '../adapters/onvif/pull-point.ts'
import { readXml } from '../adapters/onvif/xml.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { seeded } from '../simulators/seeded.ts'

/** Spoilt input may give DECODE_ errors and reports that hold, and takes no time. */
const folder = `${packageRoot}test/cases/onvif/`
const seeds = readdirSync(folder).map((name) => readFileSync(`${folder}${name}/input.xml`))
const random = seeded(20_261_125)
const below = (limit: number) => Math.floor(random() * limit)
const pieces = [
  '\0',
  '\xff',
  '<',
  '</',
  '/>',
  '&#x0;',
  '&#xd800;',
  '&amp;',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '"',
  "'",
  ' xmlns=""',
  '__proto__',
  '<a>',
  '\xef\xbb\xbf',
  'UtcTime="9999-99-99T99:99:99Z"',
]
const options = onvifPull.options.parse({ camera: 'c-1', url: 'http://camera.example/' })
const receivedAt = new Date('2026-11-25T00:00:00Z')

function mutated(bytes: Buffer): Buffer {
  let copy = Buffer.from(bytes)
  for (let n = 0; n <= below(5); n++) {
    const at = below(copy.length)
    const kind = below(5)
    if (kind === 0) copy[at] = below(256)
    else if (kind === 1) copy = copy.subarray(0, at)
    else if (kind === 2) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + below(40))])
    else if (kind === 3)
      copy = Buffer.concat([
        copy.subarray(0, at),
        Buffer.from(pieces[below(pieces.length)] ?? '', 'latin1'),
        copy.subarray(at),
      ])
    else copy = Buffer.concat([copy.subarray(0, at), copy.subarray(below(copy.length))]).subarray(0, 100_000)
  }
  return copy
}

function problemIn(raw: Buffer): { readonly problem: string | null; readonly understood: boolean } {
  let understood = false
  for (const message of messagesIn({ key: '', raw, envelope: {} })) {
    if (message.key === '') return { problem: 'no key', understood }
    try {
      for (const report of onvifPull.decode({ ...message, receivedAt }, options)) {
        understood = true
        if (report.kind !== 'alarm' || report.subject === '' || report.event === '')
          return { problem: 'no subject', understood }
        if (report.deviceTime !== null && Number.isNaN(report.deviceTime.getTime()))
          return { problem: 'no time', understood }
        if (/\\u0000|\\ud[89a-f]/.test(JSON.stringify(report))) return { problem: 'a NUL or half a pair', understood }
      }
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_'))
        return { problem: String(error), understood }
    }
  }
  return { problem: null, understood }
}

t.test('spoilt answers', async (t) => {
  const problems: string[] = []
  let slowestMs = 0
  let understood = 0
  for (let i = 0; i < 30_000; i++) {
    const bytes = mutated(seeds[i % seeds.length] ?? Buffer.alloc(0))
    const started = performance.now()
    const found = problemIn(bytes)
    slowestMs = Math.max(slowestMs, performance.now() - started)
    if (found.problem !== null) problems.push(`${found.problem}: ${bytes.toString('base64').slice(0, 4000)}`)
    if (found.understood) understood++
  }
  t.strictSame(problems.slice(0, 3), [])
  t.ok(slowestMs < 1000, `the slowest took ${slowestMs} ms`)
  t.ok(understood > 700, `${understood} were understood`)
})

t.test('what is made to take long, or to fill the memory, does not', async (t) => {
  const size = 1_000_000
  const evil: readonly (readonly [string, string])[] = [
    ['levels', '<a>'.repeat(size / 3)],
    ['elements', `<a>${'<b/>'.repeat(size / 4)}</a>`],
    ['attributes', `<a ${'b="" '.repeat(size / 5)}/>`],
    ['attributes without end', `<a ${'b="" '.repeat(size / 5)}`],
    ['namespaces', `<a ${Array.from({ length: 20_000 }, (_, i) => `xmlns:n${i}="u"`).join(' ')}/>`],
    ['comments that do not end', '<a><!--'.repeat(size / 7)],
    ['CDATA that does not end', `<a>${'<![CDATA['.repeat(size / 9)}`],
    ['ampersands', `<a>${'&'.repeat(size)}</a>`],
    ['references', `<a>${'&lt;'.repeat(size / 4)}</a>`],
    ['spaces', `<a${' '.repeat(size)}`],
    ['spaces behind', `<a/>${' '.repeat(size)}x`],
    ['NULs behind', `<a/>${'\0'.repeat(size)}`],
    ['a long name', `<${'a'.repeat(size)}`],
    ['quotes', `<a b="${"'".repeat(size)}`],
  ]
  for (const [what, text] of evil) {
    const started = performance.now()
    try {
      readXml(Buffer.from(text))
    } catch (error) {
      t.ok(error instanceof GatewayError && error.code.startsWith('DECODE_'), `${what}: ${String(error).slice(0, 200)}`)
    }
    const took = performance.now() - started
    t.ok(took < 2000, `${what} took ${took} ms`)
  }
})
