import t from 'tap'
import { smppEsme } from '../adapters/smpp/esme.ts'
import { encodePdu, numbered } from '../adapters/smpp/session-pdus.ts'
import { smppSmsc } from '../adapters/smpp/smsc.ts'
import { SmppEsmeSimulator } from '../simulators/smpp-esme.ts'
import { SmppSmscSimulator } from '../simulators/smpp-smsc.ts'
import { type Answered, type ContractPeer, runContract, takenPort } from './contract.ts'
import { listed, portOf, secretWord, textPdu, until } from './smpp-link-stage.ts'

/** What makes a far end send again later; any other word says that it must not. */
const busy = new Set(['ESME_RTHROTTLED', 'ESME_RX_T_APPN', 'ESME_RSYSERR'])
const answered = (status: string): Answered => (busy.has(status) ? 'refused' : 'acknowledged')

/** Message `n`; a malformed one says that its text is longer than it is. */
function pdu(carrier: 'submit_sm' | 'deliver_sm', quality: 'good' | 'malformed', n: number): Buffer {
  const sound = textPdu(n, carrier)
  if (quality === 'good') return sound
  const cut = Buffer.from(sound.subarray(0, sound.length - 3))
  cut.writeUInt32BE(cut.length, 0)
  return numbered(cut, n)
}

const smscOptions = (port: number) =>
  smppSmsc.options.parse({ port, peers: [{ systemId: 'peer-1', password: secretWord, binds: 100 }] })

runContract({
  name: 'smpp-smsc',
  kind: listed(smppSmsc),
  options: smscOptions(0),
  acknowledges: true,
  taken: () => takenPort(smscOptions),
  async connect(link): Promise<ContractPeer> {
    const peer = await SmppEsmeSimulator.bind({ port: portOf(link), systemId: 'peer-1', password: secretWord })
    return {
      send: async (quality, n) => answered((await peer.push(pdu('submit_sm', quality, n))).status),
      vanish: () => peer.vanish(),
    }
  },
})

const esmeOptions = (port: number) => smppEsme.options.parse({ port, systemId: 'city', password: secretWord })

const centre = new SmppSmscSimulator({ systemId: 'city', password: secretWord })
const centrePort = await centre.start()
t.teardown(() => centre.stop())

/**
 * The adapter dials, so a peer of the contract is somebody whose messages the centre delivers; the link is the centre's.
 * It vanishes with the one whose message is under way.
 */
runContract({
  name: 'smpp-esme',
  kind: listed(smppEsme),
  options: esmeOptions(centrePort),
  acknowledges: true,
  async taken() {
    const late = new SmppSmscSimulator()
    const port = await late.start()
    await late.stop()
    return {
      options: esmeOptions(port),
      release: async () => {
        await late.start(port)
        t.teardown(() => late.stop())
      },
    }
  },
  async connect(): Promise<ContractPeer> {
    await until('the centre has its bind', () => centre.receivers.length > 0)
    // Whatever was answered before this is here before its answer.
    await centre.receivers.at(-1)?.request(encodePdu('enquire_link', 0))
    let underWay = 0
    return {
      async send(quality, n) {
        underWay++
        const status = await centre.deliver(pdu('deliver_sm', quality, n)).finally(() => underWay--)
        return status === 'lost' ? 'refused' : answered(status)
      },
      vanish: () => {
        if (underWay > 0) centre.cutLinks()
      },
    }
  },
})
