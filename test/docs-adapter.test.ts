import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { lineKind } from '../docs/examples/line-adapter.ts'
import type { AdapterKind, Link, Received } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import { type Answered, type ContractPeer, runContract, takenPort } from './contract.ts'

const optionsOn = (port: number) => lineKind.options.parse({ port })

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function peer(link: Link): Promise<ContractPeer> {
  const socket = await dial(Number((link.state === 'listening' ? link.at : '').split(':').at(-1)))
  return {
    send(quality, n): Promise<Answered> {
      const time = new Date(Date.UTC(2026, 10, 23) + n * 1000).toISOString()
      const answered = new Promise<Answered>((resolve) => {
        socket.once('data', (word) => resolve(String(word) === 'OK\n' ? 'acknowledged' : 'refused'))
        socket.once('close', () => resolve('refused'))
      })
      socket.write(quality === 'good' ? `h-0001,32.39,119.42,${time}\n` : `h-0001,32.39,119.42,noon of day ${n}\n`)
      return answered
    },
    vanish: () => socket.destroy(),
  }
}

runContract({
  name: 'the smallest adapter of the documents',
  kind: lineKind as unknown as AdapterKind<never>,
  options: optionsOn(0),
  acknowledges: true,
  taken: () => takenPort(optionsOn),
  connect: peer,
})

function read(line: string | Uint8Array) {
  const message: Received = { key: 'k', raw: Buffer.from(line), envelope: {}, receivedAt: new Date(0) }
  try {
    return lineKind.decode(message, optionsOn(0))
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

t.test('a line is read, and what is no line says why', async (t) => {
  t.match(read('h-0001,32.39,119.42,2026-11-23T08:00:00Z\r'), [
    { subject: 'h-0001', deviceTime: new Date('2026-11-23T08:00:00Z'), gps: { latitude: 32.39, longitude: 119.42 } },
  ])
  t.match(read('h-0001,,,2026-11-23T08:00:00Z'), [{ gps: { latitude: null, longitude: null } }], 'no fix is not 0/0')
  t.equal(read('hello'), 'DECODE_SYNTAX')
  t.equal(read('h-0001,north,119.42,2026-11-23T08:00:00Z'), 'DECODE_FIELD')
  t.equal(read('h-0001,1e999,119.42,2026-11-23T08:00:00Z'), 'DECODE_FIELD')
  t.equal(read('h-0001,32.39,119.42,noon'), 'DECODE_FIELD')
  t.equal(read(Uint8Array.of(0xff, 0xfe)), 'DECODE_ENCODING')
  t.equal(read('x'.repeat(201)), 'DECODE_TOO_LARGE')
})
