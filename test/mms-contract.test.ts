import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { mm7 } from '../adapters/mms/mm7-listener.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { deliverReq, type Posted } from '../simulators/mms-mm7.ts'
import { type Answered, type ContractPeer, runContract } from './contract.ts'

/**
 * A centre repeats what is answered with a server error or not at all. A client error (2xxx, 4xxx with HTTP 400) it does not
 * repeat, so the gateway has the message by then.
 */
function message(quality: 'good' | 'malformed', n: number): Posted {
  const good = deliverReq({
    transactionId: `t-${quality}-${n}`,
    linkedId: `l-${n}`,
    sender: '8613800138000',
    parts: [{ headers: ['Content-Type: text/plain; charset=utf-8'], content: `井盖丢了 ${n}` }],
  })
  if (quality === 'good') return good
  const text = Buffer.from(good.body).toString('utf8').replaceAll('DeliverReq', 'DeliverNothing')
  return { ...good, body: Buffer.from(text) }
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
        const { contentType, body } = message(quality, n)
        const headers = {
          'content-type': contentType,
          'content-length': body.length,
          authorization: `Basic ${Buffer.from('mmsc:word').toString('base64')}`,
        }
        const posting = request({ port, agent, path: '/ingest/contract', method: 'POST', headers }, (response) => {
          response.resume().on('end', () => resolve((response.statusCode ?? 500) < 500 ? 'acknowledged' : 'refused'))
        })
        posting.on('error', reject)
        posting.end(body)
      }),
    vanish: () => agent.destroy(),
  }
}

runContract({
  name: 'mm7',
  kind: mm7 as unknown as AdapterKind<never>,
  options: mm7.options.parse({ username: 'mmsc', password: 'word' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) => peer(http),
})
