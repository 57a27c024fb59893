import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { writeNotification } from '../adapters/onvif/notification.ts'
import { onvifNotify } from '../adapters/onvif/notify.ts'
import { envelope } from '../adapters/onvif/soap.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { type Answered, type ContractPeer, runContract } from './contract.ts'

/** A camera repeats what is answered with 503 or not at all; what makes no sense (400) it does not repeat. */
function notify(quality: 'good' | 'malformed', n: number): Buffer {
  const good = writeNotification({
    topic: 'tns1:RuleEngine/LineDetector/Crossed',
    topicNamespace: null,
    utcTime: new Date(Date.UTC(2026, 10, 25, 0, 0, n)).toISOString(),
    operation: null,
    source: [{ name: 'Rule', value: 'Fence' }],
    key: [],
    data: [{ name: 'ObjectId', value: String(n) }],
  })
  const one = quality === 'good' ? good : good.replaceAll('Topic', 'Subject')
  return envelope('', `<n:Notify>${one}</n:Notify>`)
}

async function peer(http: FastifyInstance): Promise<ContractPeer> {
  const { port } = http.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  // The connection is there before the peer is used; nothing answers to GET.
  await new Promise<void>((resolve, reject) => {
    const asking = request({ port, agent, path: '/ingest/contract' }, (response) =>
      response.resume().on('end', resolve),
    )
    asking.on('error', reject).end()
  })
  return {
    send: (quality, n) =>
      new Promise<Answered>((resolve, reject) => {
        const body = notify(quality, n)
        const headers = { 'content-type': 'application/soap+xml', 'content-length': body.length }
        const path = '/ingest/contract?key=sesame'
        const posting = request({ port, agent, path, method: 'POST', headers }, (response) => {
          response.resume().on('end', () => resolve((response.statusCode ?? 500) < 500 ? 'acknowledged' : 'refused'))
        })
        posting.on('error', reject)
        posting.end(body)
      }),
    vanish: () => agent.destroy(),
  }
}

runContract({
  name: 'onvif-notify',
  kind: onvifNotify as unknown as AdapterKind<never>,
  options: onvifNotify.options.parse({ camera: 'c-017', key: 'sesame' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) => peer(http),
})
