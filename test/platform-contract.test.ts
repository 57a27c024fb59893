import { platformAlarms } from '../adapters/platform/alarms.ts'
import { platformCalls } from '../adapters/platform/calls.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'

/** A dead letter is answered 422 and kept: the peer has no reason to send it again. */
const taken = (status: number) => status < 500
const contentType = 'application/json'

runContract({
  name: 'platform-calls',
  kind: platformCalls as unknown as AdapterKind<never>,
  options: platformCalls.options.parse({}),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => {
        const path = '/ingest/contract/calls'
        return { path, contentType, body: JSON.stringify({ call: quality === 'good' ? `c-${n}` : [n] }) }
      },
      taken,
    ),
})

runContract({
  name: 'platform-alarms',
  kind: platformAlarms as unknown as AdapterKind<never>,
  options: platformAlarms.options.parse({}),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => {
        const path = '/ingest/contract/'
        const device = quality === 'good' ? `c-${n}` : null
        return { path, contentType, body: JSON.stringify({ device, event: 'intrusion', occurrence: n }) }
      },
      taken,
    ),
})
