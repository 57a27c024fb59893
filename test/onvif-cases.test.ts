import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { messagesIn } from '../adapters/onvif/notified.ts'
import { onvifPull } from '../adapters/onvif/pull-point.ts'
import type { Inbound } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'

/**
 * Recorded bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what is read now
 * into expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/onvif/`
const record = process.env.CHENGGUAN_RECORD === '1'
const options = onvifPull.options.parse({
  camera: 'c-017',
  cameras: { 文昌路口: 'c-018' },
  url: 'http://camera.example/onvif/device_service',
})
const receivedAt = new Date('2026-11-25T02:00:00Z')

function outcome(message: Inbound): unknown {
  try {
    return onvifPull.decode({ ...message, receivedAt }, options)
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.detail }
    throw error
  }
}

for (const name of readdirSync(folder)) {
  t.test(`recorded: ${name}`, async (t) => {
    const raw = readFileSync(`${folder}${name}/input.xml`)
    const messages = messagesIn({ key: '', raw, envelope: {} })
    const found = JSON.parse(JSON.stringify(messages.map(outcome)))
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`)
    t.strictSame(found, JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    t.equal(new Set(messages.map(({ key }) => key)).size, messages.length, 'each has a key of its own')
    t.strictSame(messages, messagesIn({ key: '', raw, envelope: {} }), 'the same bytes give the same keys')
  })
}

t.test(
  'a notification is the same one whatever stands around it, and another one with anything else in it',
  async (t) => {
    const raw = readFileSync(`${folder}simple-server-motion-began/input.xml`)
    const text = raw.toString()
    const key = (of: string) => messagesIn({ key: '', raw: Buffer.from(of), envelope: {} })[0].key
    t.equal(key(text.replace('13:59:14Z</tev:CurrentTime>', '14:00:00Z</tev:CurrentTime>')), key(text))
    t.equal(key(readFileSync(`${folder}other-prefixes/input.xml`, 'utf8')), key(text))
    for (const [from, to] of [
      ['UtcTime="2026-11-25T13:59:14Z"', 'UtcTime="2026-11-25T13:59:15Z"'],
      ['Value="true"', 'Value="false"'],
      ['Changed', 'Initialized'],
      ['VideoSourceToken', 'VideoSourceToken2'],
      ['MotionAlarm', 'GlobalSceneChange/AnalyticsService'],
    ] as const)
      t.not(key(text.replace(from, to)), key(text), to)
  },
)

t.test('an object that comes to be inside of a field is an alarm; on subscribing it is state', async (t) => {
  const text = readFileSync(`${folder}core-specification-object-in-field/input.xml`, 'utf8')
  const raw = Buffer.from(text.replace('Value="false"', 'Value="true"'))
  const phase = (envelope: Record<string, string>) =>
    (outcome(messagesIn({ key: '', raw, envelope })[0]) as { phase: string }[])[0]?.phase
  t.equal(phase({}), 'state-on')
  t.equal(phase({ live: 'yes' }), 'began')
})
