import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { limitUnread } from '../adapters/mqtt/unread.ts'
import { broker, connect, credentials, RawClient, until } from './mqtt-stage.ts'

const message = Buffer.alloc(600 * 1024, 'x')

/** A connected client that has asked for everything its device says, and then reads nothing more. */
async function deaf(t: Test, url: string): Promise<RawClient> {
  const client = new RawClient(url)
  t.teardown(() => client.end())
  t.equal(await client.connect('h-1'), 0)
  client.subscribe('v1/h-1/up/#', 0)
  await client.bytes(4 + 5)
  client.socket.pause()
  return client
}

t.test('a client that does not read is closed, and the device that it listens to is heard on', async (t) => {
  const gateway = await broker(t)
  const client = await deaf(t, gateway.url)
  const device = await connect(gateway.url, credentials('h-1'))
  // More than the kernel holds for a socket, and the limit.
  let sent = 0
  while (gateway.refusals.length === 0 && sent < 200) {
    sent++
    await device.publishAsync('v1/h-1/up/position', message, { qos: 1 })
  }
  t.match(gateway.refusals, [
    { reason: 'an mqtt client that does not read', fields: { device: 'h-1', limit: 4 * 1024 * 1024 } },
  ])
  await device.publishAsync('v1/h-1/up/position', '{}', { qos: 1 })
  t.equal(gateway.accepted.length, sent + 1)
  t.equal(gateway.refusals.length, 1)
  client.socket.resume()
  await until('it is closed', () => client.closed)
  t.ok(client.received.length < sent * message.length, 'the rest was not kept for it')
  await device.endAsync(true)
})

t.test('a client that does not read keeps no message from any other', async (t) => {
  const gateway = await broker(t, { limits: { unread: '64MiB' } })
  await deaf(t, gateway.url)
  const device = await connect(gateway.url, credentials('h-1'))
  for (let at = 0; at < 20; at++) await device.publishAsync('v1/h-1/up/position', message, { qos: 1 })
  for (let at = 0; at < 200; at++) await device.publishAsync('v1/h-1/up/position', '{}', { qos: 1 })
  const other = await connect(gateway.url, credentials('h-2'))
  let heard = 0
  other.on('message', () => heard++)
  await other.subscribeAsync('v1/h-2/up/#', { qos: 0 })
  await other.publishAsync('v1/h-2/up/position', '{}', { qos: 1 })
  await until('it hears itself', () => heard === 1)
  t.strictSame(gateway.refusals, [])
  await Promise.all([device.endAsync(true), other.endAsync(true)])
})

/** A far end that reads one chunk whenever it is told to. */
function slowReader(t: Test, limitBytes: number) {
  const unread: (() => void)[] = []
  const exceeded: number[] = []
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      unread.push(done)
    },
  })
  t.teardown(() => socket.destroy())
  limitUnread(socket, limitBytes, (bytes) => exceeded.push(bytes))
  return { socket, exceeded, readOne: () => unread.shift()?.() }
}

t.test('a client that reads slowly but steadily is kept, and no write waits for it', async (t) => {
  const { socket, exceeded, readOne } = slowReader(t, 1000)
  for (let at = 0; at < 3; at++) socket.write(Buffer.alloc(100))
  for (let at = 0; at < 100; at++) {
    t.equal(socket.write(Buffer.alloc(100)), true)
    readOne()
  }
  t.strictSame(exceeded, [])
  t.notOk(socket.destroyed)
})

t.test('the first write that finds too much unread closes, and it is told once', async (t) => {
  const { socket, exceeded } = slowReader(t, 1000)
  for (let at = 0; at < 20; at++) socket.write(Buffer.alloc(400))
  t.ok(socket.destroyed)
  t.equal(exceeded.length, 1)
})

t.test('one message may be larger than the limit, and what follows it is counted alone', async (t) => {
  const { socket, exceeded } = slowReader(t, 1000)
  socket.write(Buffer.alloc(5000))
  for (let at = 0; at < 3; at++) socket.write(Buffer.alloc(10))
  t.notOk(socket.destroyed)
  for (let at = 0; at < 3; at++) socket.write(Buffer.alloc(400))
  t.ok(socket.destroyed)
  t.equal(exceeded.length, 1)
})

t.test('many small writes cost more than their bytes', async (t) => {
  const { socket, exceeded } = slowReader(t, 1000)
  for (let at = 0; at < 20; at++) socket.write(Buffer.alloc(1))
  t.equal(exceeded.length, 1)
})

t.test('who wrote is told when it is written, with or without an encoding', async (t) => {
  const { socket, readOne } = slowReader(t, 1000)
  const told: string[] = []
  socket.write('a', () => told.push('a'))
  socket.write('b', 'latin1', () => told.push('b'))
  readOne()
  await until('the first is told', () => told.length === 1)
  readOne()
  await until('both are told', () => told.length === 2)
  t.strictSame(told, ['a', 'b'])
})
