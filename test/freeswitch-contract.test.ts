import t from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { EslServer } from '../simulators/freeswitch-esl.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'

const uuidOf = (n: number) => `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`

function cdr(quality: 'good' | 'malformed', n: number): string {
  const variables = { uuid: uuidOf(n), direction: 'inbound', start_epoch: quality === 'good' ? '1795000000' : 'soon' }
  return JSON.stringify({ variables })
}

runContract({
  name: 'freeswitch-cdr',
  kind: freeswitchCdr as unknown as AdapterKind<never>,
  options: freeswitchCdr.options.parse({}),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => {
        return { path: `/ingest/contract/?uuid=a_${uuidOf(n)}`, contentType: 'application/json', body: cdr(quality, n) }
      },
      // Anything but 2xx is posted again.
      (status) => status < 300,
    ),
})

const esl = new EslServer('ClueCon')
const port = await esl.listen(0)
t.teardown(() => esl.close())

/** The Event Socket knows no acknowledgement, and the adapter is the one who connects. */
function eventOf(quality: 'good' | 'malformed', n: number): Record<string, string> {
  return {
    'Event-Name': 'CHANNEL_CREATE',
    'Core-UUID': uuidOf(0),
    'Event-Sequence': String(n + 1),
    'Event-Date-Timestamp': String(1_795_000_000_000_000 + n),
    ...(quality === 'good' ? { 'Unique-ID': uuidOf(n), 'Call-Direction': 'inbound' } : {}),
  }
}

runContract({
  name: 'freeswitch-esl',
  kind: freeswitchEsl as unknown as AdapterKind<never>,
  options: freeswitchEsl.options.parse({ port, password: 'ClueCon' }),
  acknowledges: false,
  async taken() {
    const rude = new EslServer('ClueCon')
    rude.rude = true
    t.teardown(() => rude.close())
    const options = freeswitchEsl.options.parse({ port: await rude.listen(0), password: 'ClueCon' })
    return {
      options,
      release: async () => {
        rude.rude = false
      },
    }
  },
  connect: async () => ({
    send: async (quality, n) => {
      esl.send(eventOf(quality, n))
      return 'unacknowledged'
    },
    vanish: () => esl.cut(),
  }),
})
