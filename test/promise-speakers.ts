import { writeJsonCdr } from '../adapters/freeswitch/cdr-write.ts'
import { writeAlertXml } from '../adapters/hikvision/write-alert.ts'
import { writeNotification } from '../adapters/onvif/notification.ts'
import { envelope } from '../adapters/onvif/soap.ts'
import type { SimulatedCore } from '../simulators/core.ts'
import { courseOf } from '../simulators/freeswitch-call.ts'

/** One who posts to an adapter and is owed the promise: how it says its n-th thing, and what of it is at the core. */
export interface Speaker {
  readonly what: string
  readonly adapter: Readonly<Record<string, unknown>>
  say(n: number): {
    readonly name: string
    readonly request: {
      readonly path: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: string | Uint8Array
    }
  }
  /** Names of what is there, with how often: at the core, or where the core is told of nothing, at the gateway. */
  found(core: SimulatedCore, http: string): Map<string, number> | Promise<Map<string, number>>
}

const json = { 'content-type': 'application/json' }

/** Counts the core's events of one type by the name that `nameOf` gives them; `null`: none of this speaker's. */
function counted(
  core: SimulatedCore,
  type: string,
  nameOf: (data: Record<string, unknown>) => string | null,
): Map<string, number> {
  const times = new Map<string, number>()
  for (const event of core.events.values()) {
    const name = event.type === `chengguan.${type}.v1` ? nameOf(event.data) : null
    if (name !== null) times.set(name, (times.get(name) ?? 0) + 1)
  }
  return times
}

const jpeg = Buffer.concat([Buffer.from('\xff\xd8\xff\xe0', 'latin1'), Buffer.alloc(4000, 7)]).toString('base64')
/** Of the example city, those whose alarms are cases at once: no bridge, which must last. */
const sensors = Array.from({ length: 40 }, (_, i) => i + 1).filter((i) => i % 4 !== 3)

const cameras = Array.from({ length: 30 }, (_, i) => `c-${String(i + 1).padStart(3, '0')}`)

const gates = Array.from({ length: 30 }, (_, i) => `c-${String(i + 41).padStart(3, '0')}`)

/** Movement is no case, and the core is not told. */
async function incidentsOf(subjects: readonly string[], http: string): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  for (const camera of subjects) {
    const answer = await fetch(`${http}/v1/incidents?subject=${camera}&limit=1000`)
    const { incidents } = (await answer.json()) as { incidents: { subject: string; part: string | null }[] }
    for (const { subject, part } of incidents) {
      const name = `${subject} ${part}`
      times.set(name, (times.get(name) ?? 0) + 1)
    }
  }
  return times
}

export const speakers: readonly Speaker[] = [
  {
    what: 'forms of seats',
    adapter: { name: 'seats', kind: 'platform-calls' },
    say: (n) => ({
      name: `F-${n}`,
      request: {
        path: '/ingest/seats/forms',
        headers: json,
        body: JSON.stringify({ call: `c-${n}`, number: `F-${n}`, seat: '8001', text: `采莲街${n}号门口的垃圾没人管` }),
      },
    }),
    found: (core) => counted(core, 'case-intent', (data) => (data.channel === 'call' ? String(data.number) : null)),
  },
  {
    what: 'alarms of sensors, some with a picture',
    adapter: { name: 'water', kind: 'platform-sensors' },
    say(n) {
      const device = `s-${String(sensors[n % sensors.length]).padStart(3, '0')}`
      const part = String(Math.floor(n / sensors.length))
      const attachments = n % 3 === 0 ? [{ name: 'a.jpg', base64: jpeg }] : []
      const body = JSON.stringify({ device, event: 'high', part, phase: 'began', occurrence: `o-${n}`, attachments })
      return { name: `${device} ${part}`, request: { path: '/ingest/water/', headers: json, body } }
    },
    found: (core) =>
      counted(core, 'case-intent', ({ channel, reporter, incident }) =>
        channel === 'sensor'
          ? `${(reporter as { id: string }).id} ${(incident as { part: string | null }).part}`
          : null,
      ),
  },
  {
    what: 'CDRs of FreeSWITCH',
    adapter: { name: 'pbx', kind: 'freeswitch-cdr' },
    say(n) {
      const uuid = `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`
      const making = { coreUuid: 'core', uuid: () => uuid, sequence: () => 1 }
      const plan = { caller: '13800138000', dnis: '12319', seat: '8001', digits: '1', ringS: 3, talkS: 20 }
      const startedAt = new Date(Date.UTC(2026, 10, 26) + n * 1000)
      const [record] = courseOf({ ...plan, outcome: 'menu', startedAt }, making).records
      if (record === undefined) throw new Error('a call has a record')
      return { name: uuid, request: { path: '/ingest/pbx/', headers: json, body: writeJsonCdr(record, true) } }
    },
    found: (core) =>
      counted(core, 'call', ({ exchange, call, revision }) =>
        exchange === 'pbx' && revision === 1 ? String(call) : null,
      ),
  },
  {
    what: 'movements that Hikvision cameras post',
    adapter: {
      name: 'cameras',
      kind: 'hikvision-push',
      cameras: Object.fromEntries(cameras.map((camera, i) => [`10.1.2.3/${i + 1}`, camera])),
    },
    say(n) {
      const channel = String(1 + (n % cameras.length))
      const region = String(Math.floor(n / cameras.length))
      const dateTime = new Date().toISOString()
      const alert = {
        channel,
        eventType: 'VMD',
        eventState: 'active',
        postCount: 1,
        dateTime,
        regions: [region],
      } as const
      const request = {
        path: '/ingest/cameras/',
        headers: { 'content-type': 'application/xml' },
        body: writeAlertXml(alert),
      }
      return { name: `${cameras[n % cameras.length]} ${region}`, request }
    },
    found: (_core, http) => incidentsOf(cameras, http),
  },
  {
    what: 'movements that ONVIF devices post',
    adapter: {
      name: 'gate',
      kind: 'onvif-notify',
      key: 'sesame',
      camera: 'c-118',
      cameras: Object.fromEntries(gates.map((camera, i) => [`V${i}`, camera])),
    },
    say(n) {
      const rule = `R${Math.floor(n / gates.length)}`
      const notification = writeNotification({
        topic: 'tns1:RuleEngine/CellMotionDetector/Motion',
        topicNamespace: null,
        utcTime: new Date().toISOString(),
        operation: 'Changed',
        source: [
          { name: 'VideoSourceConfigurationToken', value: `V${n % gates.length}` },
          { name: 'Rule', value: rule },
        ],
        key: [],
        data: [{ name: 'IsMotion', value: 'true' }],
      })
      const body = envelope('', `<n:Notify>${notification}</n:Notify>`)
      const headers = { 'content-type': 'application/soap+xml' }
      return { name: `${gates[n % gates.length]} ${rule}`, request: { path: '/ingest/gate?key=sesame', headers, body } }
    },
    found: (_core, http) => incidentsOf(gates, http),
  },
]
