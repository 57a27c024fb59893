import { isUtf8 } from 'node:buffer'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'
import { port } from '../../config/fields.ts'
import type { Adapter, AdapterContext, AdapterKind, Inbound, Received } from '../../gateway/adapter.ts'
import { describe, GatewayError, quote } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'

/**
 * `device,latitude,longitude,time` and a newline, over TCP. Each line is answered `OK` when it is stored and `BUSY` when
 * it is not; a device sends a line again until it hears `OK`.
 */

const lineOptions = z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port().default(7000) })
type LineOptions = z.output<typeof lineOptions>

export const lineKind: AdapterKind<LineOptions> = {
  kind: 'line',
  channel: 'line',
  options: lineOptions,
  listeners: ({ host, port }) => [{ transport: 'tcp', host, port, path: ['port'] }],
  decode,
  create: (options, context) => new LineListener(options, context),
}

const longestLine = 200
const shape = /^(?<device>[\w.:@-]{1,64}),(?<latitude>[^,]*),(?<longitude>[^,]*),(?<time>[^,]+)$/
// Date.parse alone takes "noon of day 1" for the year 2001, and a time without offset for this machine's zone.
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

function decode({ raw }: Received): Report[] {
  if (raw.length > longestLine) throw new GatewayError('DECODE_TOO_LARGE', `line of more than ${longestLine} bytes`)
  if (!isUtf8(raw)) throw new GatewayError('DECODE_ENCODING', `line of ${raw.length} bytes is not UTF-8`)
  const text = Buffer.from(raw).toString('utf8').trim()
  const { device, latitude, longitude, time = '' } = shape.exec(text)?.groups ?? {}
  if (device === undefined) throw new GatewayError('DECODE_SYNTAX', `line is not device,lat,lon,time: ${quote(text)}`)
  const deviceTime = new Date(rfc3339.test(time) ? time : Number.NaN)
  if (Number.isNaN(deviceTime.getTime())) throw new GatewayError('DECODE_FIELD', `line: time ${quote(time)}`)
  const gps = { ...nothingMore, latitude: degrees('latitude', latitude), longitude: degrees('longitude', longitude) }
  return [{ kind: 'position', subject: device, deviceTime, gps, cells: [], batteryPercent: null }]
}

/** An empty field is a receiver without a fix. A zero here would put it into the Gulf of Guinea. */
function degrees(name: string, text = ''): number | null {
  if (text.trim() === '') return null
  const value = Number(text)
  if (Number.isFinite(value)) return value
  throw new GatewayError('DECODE_FIELD', `line: ${name} ${quote(text)}`)
}

/** What this protocol cannot say. Absent is null, never zero. */
const nothingMore = {
  system: null,
  valid: null,
  fixedAt: null,
  accuracyM: null,
  altitudeM: null,
  speedKmh: null,
  headingDeg: null,
  satellites: null,
  hdop: null,
} as const

/** A line names its device and its time, so the line itself is its identity: sent again, it has the same key. */
function inbound(line: Buffer, peer: string): Inbound {
  return { key: line.toString('latin1'), raw: line, envelope: { peer } }
}

class LineListener implements Adapter {
  readonly #options: LineOptions
  readonly #context: AdapterContext
  readonly #sockets = new Set<Socket>()
  readonly #underWay = new Set<Promise<void>>()
  #server: Server | null = null

  constructor(options: LineOptions, context: AdapterContext) {
    this.#options = options
    this.#context = context
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new GatewayError('LINK_LISTEN', `line ${host}:${port}`, { cause })))
      server.listen(port, host, resolve)
    })
    server.on('error', (error) => this.#context.report({ state: 'down', reason: describe(error) }))
    this.#server = server
    this.#context.report({ state: 'listening', at: `tcp://${host}:${(server.address() as AddressInfo).port}` })
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = null
    await Promise.all(this.#underWay)
    for (const socket of this.#sockets) socket.destroySoon()
    if (server === null) return
    await new Promise((resolve) => server.close(resolve))
    this.#context.report({ state: 'stopped' })
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket)
    // Its errors are followed by 'close', which does all there is to do.
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    this.#read(socket).catch((error: unknown) => this.#context.log.debug({ reason: describe(error) }, 'line link lost'))
  }

  /** One line at a time: while a line is being stored its socket is not read, and the device feels it. */
  async #read(socket: Socket): Promise<void> {
    for await (const line of lines(socket)) {
      if (this.#server === null) return
      const answered = this.#context.accept(inbound(line, socket.remoteAddress ?? '')).then(
        () => void socket.write('OK\n'),
        () => void socket.write('BUSY\n'),
      )
      this.#underWay.add(answered)
      await answered
      this.#underWay.delete(answered)
    }
  }
}

/** Lines of a socket however its bytes are cut. One that is too long ends the connection, and is a dead letter. */
async function* lines(socket: Socket): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk])
    for (let end = held.indexOf('\n'); end >= 0 && end <= longestLine; end = held.indexOf('\n')) {
      yield held.subarray(0, end)
      held = held.subarray(end + 1)
    }
    if (held.length > longestLine) return yield held.subarray(0, longestLine + 1)
  }
}
