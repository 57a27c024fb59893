import { connect, type Socket } from 'node:net'
import { nmea } from '../adapters/nmea/adapter.ts'
import { encode } from '../adapters/nmea/codec.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { type ContractDriver, type ContractPeer, runContract, takenPort } from './contract.ts'

// NMEA 0183 has no acknowledgement: a source learns of a refusal by losing its connection, and sends its log again.

const options = (port: number) =>
  nmea.options.parse({ transport: 'tcp-server', port, quietAfter: '20ms', subject: { by: 'fixed', id: 'v-001' } })

/** Message `n` is one RMC, a second after the one before. */
function sentence(n: number): string {
  return encode({
    formatter: 'RMC',
    talker: 'GP',
    timeOfDayMs: n * 1000,
    active: true,
    latitude: 32.39 + n / 10_000,
    longitude: 119.42,
    speedKnots: 10,
    courseDeg: 90,
    date: '2026-11-23',
    magneticVariationDeg: null,
    mode: 'A',
    navigationStatus: null,
  })
}

/** The same sentence with a checksum that does not hold. */
function broken(n: number): string {
  return sentence(n).replace(/\*(..)/, (_all, sum: string) => `*${sum === '00' ? '01' : '00'}`)
}

class NmeaPeer implements ContractPeer {
  readonly #socket: Socket
  #open = true

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#open = false
    })
  }

  async send(quality: 'good' | 'malformed', n: number): Promise<'unacknowledged' | 'refused'> {
    if (!this.#open) return 'refused'
    this.#socket.write(quality === 'good' ? sentence(n) : broken(n))
    return 'unacknowledged'
  }

  vanish(): void {
    this.#socket.destroy()
  }
}

const driver: ContractDriver = {
  name: 'nmea over tcp',
  kind: nmea as unknown as AdapterKind<never>,
  options: options(0),
  acknowledges: false,
  taken: () => takenPort(options),
  async connect(link) {
    const at = new URL(link.state === 'listening' ? link.at : '')
    const socket = connect(Number(at.port), at.hostname)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new NmeaPeer(socket)
  },
}

runContract(driver)
