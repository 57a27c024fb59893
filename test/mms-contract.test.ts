import { mm7 } from '../adapters/mms/mm7-listener.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { deliverReq, type Posted } from '../simulators/mms-mm7.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'

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

const authorization = `Basic ${Buffer.from('mmsc:word').toString('base64')}`

runContract({
  name: 'mm7',
  kind: mm7 as unknown as AdapterKind<never>,
  options: mm7.options.parse({ username: 'mmsc', password: 'word' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => ({ path: '/ingest/contract', headers: { authorization }, ...message(quality, n) }),
      (status) => status < 500,
    ),
})
