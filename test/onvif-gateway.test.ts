import t from 'tap'
import { writeNotification } from '../adapters/onvif/notification.ts'
import { envelope } from '../adapters/onvif/soap.ts'
import { post, SimulatedCamera } from '../simulators/onvif-camera.ts'
import { GatewayProcess } from './gateway-process.ts'

/** The whole way, in a gateway of its own: two cameras on one side, the API on the other. */

t.setTimeout(120_000)

interface Incident {
  readonly id: string
  readonly subject: string
  readonly event: string
  readonly part: string | null
  readonly flags: readonly string[]
  readonly attachments: readonly { readonly sha256: string; readonly mediaType: string }[]
}

interface Answers {
  readonly incidents: readonly Incident[]
  readonly incident: Incident
  readonly faults: readonly string[]
}

t.test('an alarm of a camera becomes a case with its picture, and what held before is none', async (t) => {
  const camera = new SimulatedCamera({ username: 'admin', password: 'word', proof: 'both', clockAheadMs: -3600_000 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const gateway = await GatewayProcess.prepare({
    adapters: [
      { name: 'gate', kind: 'onvif-pull', url, username: 'admin', password: 'word', camera: 'c-001', poll: '5s' },
      { name: 'yard', kind: 'onvif-notify', camera: 'c-002', key: 'sesame' },
    ],
    destinations: [{ name: 'core', url: 'http://127.0.0.1:1/', secret: `whsec_${'A'.repeat(43)}=` }],
  })
  t.teardown(() => gateway.remove())
  const inside = (rule: string, operation: 'Changed' | 'Initialized', held: boolean) => ({
    topic: 'tns1:RuleEngine/FieldDetector/ObjectsInside',
    topicNamespace: null,
    utcTime: new Date().toISOString(),
    operation,
    source: [{ name: 'Rule', value: rule }],
    key: [],
    data: [{ name: 'IsInside', value: String(held) }],
  })
  camera.tell(inside('before', 'Changed', true))
  const { http } = await gateway.start()
  const ask = async (path: string) => (await fetch(`${http}${path}`)).json() as Promise<Answers>
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const deadline = Date.now() + 60_000
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  await until('it subscribes', async () => camera.handedOut > 0 || undefined)
  camera.tell(inside('bin', 'Changed', true))
  const incident = await until('there is an incident', async () =>
    (await ask('/v1/incidents?limit=10')).incidents.find(({ subject }) => subject === 'c-001'),
  )
  const found = await until('the picture is there', async () => {
    const { incident: one } = await ask(`/v1/incidents/${incident.id}`)
    return one.attachments.length > 0 ? one : undefined
  })
  t.match(found, { event: 'tns1:RuleEngine/FieldDetector/ObjectsInside', part: 'bin', flags: [] })
  t.match(found.attachments, [{ mediaType: 'image/jpeg' }])
  const picture = await fetch(`${http}/v1/attachments/${found.attachments[0]?.sha256}`)
  t.equal(Buffer.from(await picture.arrayBuffer()).compare(camera.picture.bytes), 0)
  const notify = envelope('', `<n:Notify>${writeNotification(inside('gate', 'Changed', true))}</n:Notify>`)
  t.equal(await post(`${http}/ingest/yard?key=sesame`, notify), 202)
  t.equal(await post(`${http}/ingest/yard?key=open`, notify), 401)
  const { incidents } = await ask('/v1/incidents?limit=10')
  t.strictSame(
    incidents.map(({ subject, part }) => [subject, part]),
    [
      ['c-001', 'bin'],
      ['c-002', 'gate'],
    ],
  )
  t.same((await ask('/v1/audit')).faults, [])
})
