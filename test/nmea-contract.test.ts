import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { nmea } from '../adapters/nmea/adapter.ts'
import type { AdapterKind, Link } from '../gateway/adapter.ts'
import { type Answered, type ContractPeer, runContract } from './contract.ts'
import { line } from './nmea-stage.ts'

/**
 * NMEA knows no acknowledgement, but TCP does: a connection that the gateway closes in order has been stored, one that
 * it resets has not. So each message of the contract is a connection of its own.
 */
const tcpServer = (port: number) =>
  nmea.options.parse({ transport: 'tcp-server', port, subject: { by: 'fixed', id: 'v-001' } })

function bytesOf(quality: 'good' | 'malformed', n: number): string {
  const time = String(120_000 + Math.floor(n / 60) * 100 + (n % 60))
  return quality === 'good'
    ? line(`GPRMC,${time},A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,A`)
    : line(`GPRMC,${time},A,3223.6256,Q,11924.7590,E,10.0,90.0,310526,,,A`)
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function peer(link: Link): Promise<ContractPeer> {
  if (link.state !== 'listening') throw new Error('nothing is listening')
  const port = Number(link.at.slice(link.at.lastIndexOf(':') + 1))
  let current = await dial(port)
  return {
    async send(quality, n): Promise<Answered> {
      if (current.destroyed) current = await dial(port)
      const socket = current
      const closed = new Promise<boolean>((resolve) => socket.once('close', resolve))
      socket.resume().end(bytesOf(quality, n))
      return (await closed) ? 'refused' : 'acknowledged'
    },
    vanish: () => current.destroy(),
  }
}

runContract({
  name: 'nmea',
  // As in the list of kinds: the driver's options are made by the same kind's schema.
  kind: nmea as unknown as AdapterKind<never>,
  options: tcpServer(0),
  acknowledges: true,
  connect: (link) => peer(link),
  async taken() {
    const squatter = createServer()
    squatter.listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const address = squatter.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return {
      options: tcpServer(port),
      release: async () => void (await new Promise((resolve) => squatter.close(resolve))),
    }
  },
})
