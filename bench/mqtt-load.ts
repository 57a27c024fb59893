import { connect, type Socket } from 'node:net'
import { connectFrame, PublishFrame } from './mqtt-frames.ts'

/**
 * The load generator, a process of its own: devices that publish at QoS 1 over raw sockets and wait for each PUBACK.
 * Its argument and its last line are JSON. It ends by itself, when it is told to (end of its standard input) and when
 * the time is over.
 */
export interface LoadRequest {
  readonly port: number
  readonly connections: number
  /** Unacknowledged publishes of one connection at most. */
  readonly window: number
  /** Device names are this and a number; so are client ids. */
  readonly device: string
  /** Prefix of the messages' ids, eight characters. */
  readonly run: string
  /** Ids count up from here. */
  readonly firstId: number
  /** Messages a second, evenly spread; `null` for as many as are acknowledged. */
  readonly perSecond: number | null
  /** Stops publishing after so many; `null` for as many as fit the time. */
  readonly messages: number | null
  /** Not counted, at the beginning. */
  readonly warmUpMs: number
  readonly forMs: number
  /** Connects and stays idle until its input ends. */
  readonly idle: boolean
}

export interface LoadResult {
  readonly sent: number
  readonly acknowledged: number
  /** Acknowledged between the lines `counting` and `counted` on its output. */
  readonly counted: number
  /** Acknowledged a second after the warm-up. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly lostConnections: number
}

const request = JSON.parse(process.argv[2] ?? '{}') as LoadRequest

class Device {
  readonly #socket: Socket
  readonly #frames: PublishFrame[] = []
  readonly #sentAt: number[] = []
  readonly #free: number[] = []
  #rest: Buffer | null = null
  readonly connected: Promise<void>

  constructor(index: number) {
    const name = `${request.device}${index}`
    for (let slot = 0; slot < request.window; slot++) {
      this.#frames.push(new PublishFrame(`v1/${name}/up/position`, slot + 1, request.run, index))
      this.#free.push(slot)
    }
    this.#socket = connect({ host: '127.0.0.1', port: request.port, noDelay: true })
    this.connected = new Promise((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.once('connect', () => this.#socket.write(connectFrame(name)))
      this.#socket.on('data', (chunk) => this.#read(chunk, resolve, reject))
    })
    this.#socket.on('close', () => {
      if (!leaving) lostConnections++
    })
  }

  get ready(): boolean {
    return this.#free.length > 0
  }

  /** `dueMs` is when it should have left: waiting for a free slot is part of its latency. */
  publish(id: number, dueMs: number): void {
    const slot = this.#free.pop()
    const frame = slot === undefined ? undefined : this.#frames[slot]
    if (slot === undefined || frame === undefined) throw new Error('the window is full')
    frame.stamp(id, Date.now())
    this.#sentAt[slot] = dueMs
    this.#socket.write(frame.bytes)
    sent++
  }

  close(): void {
    this.#socket.destroy()
  }

  /** CONNACK and PUBACK have four bytes each, and nothing else comes. */
  #read(chunk: Buffer, connected: () => void, refused: (error: Error) => void): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (; at + 4 <= bytes.length; at += 4) {
      if (bytes[at] === 0x20) {
        if (bytes[at + 3] === 0) connected()
        else refused(new Error(`CONNACK ${bytes[at + 3]}`))
      } else if (bytes[at] === 0x40) this.#acknowledged(bytes.readUInt16BE(at + 2) - 1)
      else throw new Error(`an unexpected packet of type ${bytes[at]}`)
    }
    this.#rest = at === bytes.length ? null : bytes.subarray(at)
  }

  #acknowledged(slot: number): void {
    const now = performance.now()
    acknowledged++
    if (now >= countFrom && now < countTo) latencies.push(now - (this.#sentAt[slot] ?? now))
    this.#free.push(slot)
    freed(this)
  }
}

let sent = 0
let acknowledged = 0
let lostConnections = 0
let leaving = false
let countFrom = Number.POSITIVE_INFINITY
let countTo = Number.POSITIVE_INFINITY
const latencies: number[] = []
let freed: (device: Device) => void = () => {}

async function connectAll(): Promise<Device[]> {
  const devices: Device[] = []
  const together = 200
  for (let first = 0; first < request.connections; first += together) {
    const batch = Array.from(
      { length: Math.min(together, request.connections - first) },
      (_, i) => new Device(first + i),
    )
    devices.push(...batch)
    await Promise.all(batch.map(({ connected }) => connected))
  }
  return devices
}

/** As fast as they are acknowledged. */
function flatOut(devices: readonly Device[], over: () => boolean): void {
  const fill = (device: Device) => {
    while (device.ready && !over()) device.publish(request.firstId + sent, performance.now())
  }
  freed = fill
  for (const device of devices) fill(device)
}

/** Each device in its turn at an even pace, however long the answers take. */
function paced(devices: readonly Device[], perSecond: number, over: () => boolean): NodeJS.Timeout {
  const began = performance.now()
  const due = new Map<Device, number[]>()
  let issued = 0
  const push = (device: Device) => {
    const waiting = due.get(device)
    while (waiting !== undefined && waiting.length > 0 && device.ready)
      device.publish(request.firstId + sent, waiting.shift() ?? 0)
  }
  freed = push
  return setInterval(() => {
    if (over()) return
    const until = ((performance.now() - began) / 1000) * perSecond
    for (; issued < until; issued++) {
      const device = devices[issued % devices.length]
      if (device === undefined) return
      const waiting = due.get(device)
      const dueMs = began + (issued / perSecond) * 1000
      if (waiting === undefined) due.set(device, [dueMs])
      else waiting.push(dueMs)
      push(device)
    }
  }, 1)
}

async function run(): Promise<void> {
  const devices = await connectAll()
  if (request.idle) {
    process.stdout.write('{"connected":true}\n')
    await new Promise((resolve) => process.stdin.once('end', resolve).resume())
    leaving = true
    for (const device of devices) device.close()
    return
  }
  countFrom = performance.now() + request.warmUpMs
  countTo = countFrom + request.forMs
  const over = () =>
    performance.now() >= countTo || (request.messages !== null && sent >= request.messages) || lostConnections > 0
  const timer = request.perSecond === null ? flatOut(devices, over) : paced(devices, request.perSecond, over)
  const deadline = countTo + 20_000
  setTimeout(() => process.stdout.write('counting\n'), request.warmUpMs)
  const soon = () => new Promise((resolve) => setTimeout(resolve, 5))
  while (!over()) await soon()
  process.stdout.write('counted\n')
  while (acknowledged < sent && lostConnections === 0 && performance.now() < deadline) await soon()
  const countedMs = Math.min(performance.now(), countTo) - countFrom
  if (timer !== undefined) clearInterval(timer)
  leaving = true
  for (const device of devices) device.close()
  process.stdout.write(`${JSON.stringify(summary(countedMs))}\n`)
}

function summary(countedMs: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return {
    sent,
    acknowledged,
    counted: latencies.length,
    rate: latencies.length / (countedMs / 1000),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    lostConnections,
  }
}

await run()
