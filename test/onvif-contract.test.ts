import { writeNotification } from '../adapters/onvif/notification.ts'
import { onvifNotify } from '../adapters/onvif/notify.ts'
import { envelope } from '../adapters/onvif/soap.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'

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

runContract({
  name: 'onvif-notify',
  kind: onvifNotify as unknown as AdapterKind<never>,
  options: onvifNotify.options.parse({ camera: 'c-017', key: 'sesame' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => ({
        path: '/ingest/contract?key=sesame',
        contentType: 'application/soap+xml',
        body: notify(quality, n),
      }),
      (status) => status < 500,
    ),
})
