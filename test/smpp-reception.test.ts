import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { Acknowledged } from '../adapters/smpp/acknowledged.ts'
import { Reception } from '../adapters/smpp/reception.ts'
import { Session } from '../adapters/smpp/session.ts'
import { messageIdOf } from '../adapters/smpp/session-pdus.ts'
import type { Inbound } from '../gateway/adapter.ts'
import { SmppFarEnd } from '../simulators/smpp-far-end.ts'
import { RawPeer, textPdu } from './smpp-link-stage.ts'

t.test(
  'a citizen who asks again after a minute is another message, with another id; a redelivery is not, nor what follows a late answer',
  async (t) => {
    const accepted: Inbound[] = []
    let nowMs = 0
    let storingMs = 0
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const entering = once(server, 'connection') as Promise<[Socket]>
    const { socket } = await RawPeer.dial(typeof address === 'object' && address !== null ? address.port : 0)
    const peer = new SmppFarEnd(socket, () => {})
    const [entered] = await entering
    const session = new Session({
      socket: entered,
      longestPdu: 1024,
      enquireEveryMs: 30_000,
      responseTimeoutMs: 10_000,
      handler: {
        request: (header, raw) => reception.message(header, raw),
        unframed: () => {},
        stray: () => {},
        settled: () => reception.settled(),
      },
    })
    t.teardown(() => {
      session.close('the test is over')
      peer.vanish()
      server.close()
    })
    const reception = new Reception({
      context: {
        name: 'x',
        accept: async (message) => {
          accepted.push(message)
          nowMs += storingMs
          return 'stored'
        },
        report: () => {},
        arrived: () => {},
        refused: () => {},
        http: Fastify(),
        log: pino({ level: 'silent' }),
      },
      session,
      sessionId: 's',
      peer: 'p',
      account: 'a',
      window: 10,
      redeliveryMs: 1000,
      cutOff: () => false,
      acknowledged: new Acknowledged(),
      nowMs: () => nowMs,
    })
    const push = async (atMs: number) => {
      nowMs = atMs
      return messageIdOf((await peer.request(textPdu(1, 'submit_sm'))).raw)
    }
    const ids = [await push(0), await push(60_000), await push(125_000), await push(126_000)]
    t.same(
      accepted.map(({ keyHoldsMs }) => keyHoldsMs),
      [1000, 1000, 0, 1000],
    )
    t.equal(ids[1], ids[0])
    t.not(ids[2], ids[0])

    // An answer that took long may have come to a centre that had given up: what it sends then is the same message.
    storingMs = 15_000
    await push(300_000)
    storingMs = 0
    await push(400_000)
    t.equal(accepted.at(-1)?.keyHoldsMs, 1000, 'after a late answer a repetition is a redelivery')
  },
)
