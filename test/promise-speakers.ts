import type { SimulatedCore } from '../simulators/core.ts'

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
  /** Names of what the core has, with how often. */
  found(core: SimulatedCore): Map<string, number>
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
]
