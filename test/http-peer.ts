import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Answered, ContractPeer } from './contract.ts'

export interface Posted {
  readonly path: string
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** A peer of the contract suite that posts over one connection; `taken`: which answers it takes for an acknowledgement. */
export async function httpPeer(
  http: FastifyInstance,
  message: (quality: 'good' | 'malformed', n: number) => Posted,
  taken: (status: number) => boolean,
): Promise<ContractPeer> {
  const { port } = http.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  // The connection is there before the peer is used; nothing answers to this.
  await new Promise<void>((resolve, reject) => {
    const asking = request({ port, agent, path: '/' }, (response) => response.resume().on('end', resolve))
    asking.on('error', reject).end()
  })
  return {
    send: (quality, n) =>
      new Promise<Answered>((resolve, reject) => {
        const { path, contentType, headers, body } = message(quality, n)
        const head = { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...headers }
        const posting = request({ port, agent, path, method: 'POST', headers: head }, (response) => {
          response.resume().on('end', () => resolve(taken(response.statusCode ?? 500) ? 'acknowledged' : 'refused'))
        })
        posting.on('error', reject)
        posting.end(body)
      }),
    vanish: () => agent.destroy(),
  }
}
