import t from 'tap'
import { foundBy, type LegRow } from '../gateway/notices/deliveries.ts'
import type { DeliveryReport } from '../gateway/report.ts'

const submittedAt = new Date('2026-11-25T08:00:00Z')

function part(noticeId: string, sentTo: string, messageId: string): LegRow {
  return {
    id: noticeId,
    noticeId,
    sentTo,
    messageId,
    addressee: sentTo,
    account: 'carrier',
    onLeg: 0,
    part: 1,
    parts: 1,
    reference: null,
    partState: 'accepted',
    submittedAt,
  } as unknown as LegRow
}

const receipt = (subject: string, ...messageIds: string[]): DeliveryReport => ({
  kind: 'delivery',
  subject,
  deviceTime: null,
  account: 'carrier',
  messageIds,
  state: 'delivered',
  error: null,
  reference: null,
})

t.test('a receipt is about the text to its own subscriber, whatever other text has that id', async (t) => {
  const [a, b] = ['tel:+8613800138000', 'tel:+8613800138001']
  const found = foundBy([part('to-a', a, '17'), part('to-b', b, '17')], [])
  t.equal(found.partOf(receipt(a, '17'))?.noticeId, 'to-a')
  t.equal(found.partOf(receipt(b, '17'))?.noticeId, 'to-b', 'two converters that both count from 1')
  t.equal(found.partOf(receipt('tel:+8613800138002', '17')), null, 'and a stranger’s waits')
  t.equal(found.partOf(receipt(b, '23', '17'))?.noticeId, 'to-b', 'in every form the id may have')
})
