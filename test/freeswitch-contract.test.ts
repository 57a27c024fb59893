import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { EslServer } from '../simulators/freeswitch-esl.ts'
import { type Answered, type ContractPeer, runContract } from './contract.ts'

const uuidOf = (n: number) => `00000000-0000-4000-a000-${String(n).padStart(12, '0')}`

function cdr(quality: 'good' | 'malformed', n: number): string {
  const variables = { uuid: uuidOf(n), direction: 'inbound', start_epoch: quality === 'good' ? '1795000000' : 'soon' }
  return JSON.stringify({ variables })
}

/** What is answered with 2xx is taken; anything else is posted again. */
async function poster(http: FastifyInstance): Promise<ContractPeer> {
  const { port } = http.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await new Promise<void>((resolve, reject) => {
    const asking = request({ port, agent, path: '/' }, (response) => response.resume().on('end', resolve))
    asking.on('error', reject).end()
  })
  return {
    send: (quality, n) =>
      new Promise<Answered>((resolve, reject) => {
        const headers = { 'content-type': 'application/json' }
        const path = `/ingest/contract/?uuid=a_${uuidOf(n)}`
        const posting = request({ port, agent, path, method: 'POST', headers }, (response) => {
          const taken = (response.statusCode ?? 500) < 300
          response.resume().on('end', () => resolve(taken ? 'acknowledged' : 'refused'))
        })
        posting.on('error', reject)
        posting.end(cdr(quality, n))
      }),
    vanish: () => agent.destroy(),
  }
}

runContract({
  name: 'freeswitch-cdr',
  kind: freeswitchCdr as unknown as AdapterKind<never>,
  options: freeswitchCdr.options.parse({}),
  acknowledges: true,
  taken: null,
  connect: (_link, http) => poster(http),
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
