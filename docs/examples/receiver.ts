import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const key = Buffer.from((process.env.CHENGGUAN_SECRET ?? '').replace(/^whsec_/, ''), 'base64')
if (key.length < 24) throw new Error('CHENGGUAN_SECRET must be the destination’s secret, whsec_…')

/** A real core keeps these ids in its database and writes them in the transaction that takes the event. */
const taken = new Set<string>()

/** Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`. Old timestamps are refused, so nothing can be played again. */
function signed({ headers }: IncomingMessage, body: Buffer): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) < 300)) return false
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  return String(signatures)
    .split(' ')
    .map((signature) => Buffer.from(signature.replace(/^v1,/, ''), 'base64'))
    .some((mac) => mac.length === wanted.length && timingSafeEqual(mac, wanted))
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = Buffer.concat(await request.toArray())
  if (!signed(request, body)) return void response.writeHead(401).end('wrong signature')
  for (const event of JSON.parse(body.toString('utf8')) as { id: string; type: string; data: unknown }[]) {
    if (taken.has(event.id)) continue
    taken.add(event.id)
    console.log(event.type, event.id, JSON.stringify(event.data))
  }
  response.writeHead(204).end()
}

const server = createServer((request, response) => {
  receive(request, response).catch(() => response.destroy())
})
server.listen(Number(process.env.PORT ?? 9090), '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`)
})
