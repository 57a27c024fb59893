import t from 'tap'
import { Acknowledged } from '../adapters/smpp/acknowledged.ts'
import { Allowance } from '../adapters/smpp/allowance.ts'
import { numbered } from '../adapters/smpp/session-pdus.ts'
import { SmppEsmeSimulator } from '../simulators/smpp-esme.ts'
import { esme, RawPeer, secretWord, smsc, textPdu, until } from './smpp-link-stage.ts'

const hours = 3_600_000

t.test('a message that comes again has the same key, under whatever number and on whichever session', async (t) => {
  const gateway = await smsc(t, { account: 'converters' })
  const first = await RawPeer.bound(gateway.port)
  const second = await RawPeer.bound(gateway.port, 'transmitter', 'peer-2')
  first.send(Buffer.concat([textPdu(1, 'submit_sm', 10), textPdu(1, 'submit_sm', 11), textPdu(2, 'submit_sm', 12)]))
  await first.answer(12)
  second.send(textPdu(1, 'submit_sm', 13))
  await second.answer(13)
  const [one, again, other, elsewhere] = gateway.accepted
  t.equal(again?.key, one?.key)
  t.equal(elsewhere?.key, one?.key)
  t.not(other?.key, one?.key)
  t.ok(gateway.accepted.every(({ keyHoldsMs }) => keyHoldsMs === 4 * hours))
  t.match(one?.envelope, { command: 'submit_sm', peer: 'peer-1', account: 'converters', session: /^[0-9a-f-]{36}$/ })
  t.match(elsewhere?.envelope, { peer: 'peer-2' })
  t.not(elsewhere?.envelope.session, one?.envelope.session)
})

t.test('a redelivery is answered with the id that it had', async (t) => {
  const gateway = await smsc(t)
  const peer = async () =>
    SmppEsmeSimulator.bind({ port: gateway.port, systemId: 'peer-1', password: secretWord, bind: 'transmitter' })
  const [first, second] = [await peer(), await peer()]
  const { messageId } = await first.push(textPdu(1, 'submit_sm'))
  t.match(messageId, /^[0-9a-f]{20}$/)
  t.equal((await second.push(numbered(textPdu(1, 'submit_sm'), 99))).messageId, messageId)
  t.not((await second.push(textPdu(2, 'submit_sm'))).messageId, messageId)
  await first.unbind()
  await second.unbind()
})

t.test('the same words again on a session that was answered are another message after a minute', async (t) => {
  const acknowledged = new Acknowledged()
  t.equal(acknowledged.another('k', 0), false)
  acknowledged.add('k', 1000)
  t.equal(acknowledged.another('k', 61_000), false, 'the answer and the message may have crossed')
  t.equal(acknowledged.another('k', 61_001), true)
  acknowledged.add('k', 61_001)
  t.equal(acknowledged.another('k', 61_002), false)
  for (let n = 0; n < 10_000; n++) acknowledged.add(`other ${n}`, 61_003)
  t.equal(acknowledged.another('k', 900_000), false, 'the oldest are forgotten, and taken for redeliveries')
})

t.test('a message that was not stored leaves no trace: the next one is still a redelivery', async (t) => {
  const gateway = await esme(t)
  gateway.answer = () => Promise.reject(new Error('the test says so'))
  t.equal(await gateway.centre.deliver(textPdu(1)), 'ESME_RX_T_APPN')
  gateway.answer = null
  t.equal(await gateway.centre.deliver(textPdu(1)), 'ESME_ROK')
  t.same(
    gateway.accepted.map(({ keyHoldsMs }) => keyHoldsMs),
    [4 * hours, 4 * hours],
  )
})

t.test('a centre that lost its answer with the link delivers on the next one, under the same key', async (t) => {
  const gateway = await esme(t)
  let letGo = () => {}
  gateway.answer = () =>
    new Promise((resolve) => {
      letGo = () => resolve('stored')
    })
  const lost = gateway.centre.deliver(textPdu(1))
  await until('it is being stored', () => gateway.accepted.length === 1)
  gateway.centre.cutLinks()
  t.equal(await lost, 'lost')
  letGo()
  await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
  await gateway.adapter.stop()
  gateway.answer = null
  await gateway.adapter.start()
  t.equal(await gateway.centre.deliver(textPdu(1)), 'ESME_ROK')
  t.equal(gateway.accepted[1]?.key, gateway.accepted[0]?.key)
  t.equal(gateway.accepted[1]?.keyHoldsMs, 4 * hours)
})

t.test('an allowance is so many a second and no more saved up', async (t) => {
  let nowMs = 0
  const allowance = new Allowance(2, () => nowMs)
  const taken = () => [1, 2, 3, 4].map(() => allowance.take())
  t.same(taken(), [true, true, false, false])
  nowMs = 500
  t.same(taken(), [true, false, false, false])
  nowMs = 60_000
  t.same(taken(), [true, true, false, false])
  const slow = new Allowance(0.5, () => nowMs)
  t.equal(slow.take(), true)
  nowMs += 1000
  t.equal(slow.take(), false)
  nowMs += 1000
  t.equal(slow.take(), true)
  const none = new Allowance(0, () => nowMs)
  t.ok(Array.from({ length: 1000 }, () => none.take()).every(Boolean))
})
