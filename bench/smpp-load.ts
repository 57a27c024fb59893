import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Outgoing, readMessages, receiptFor, response } from './smpp-frames.ts'

/**
 * The load generator, a process of its own: a message centre that one ESME binds to. Its arguments are the file of its
 * messages, and `closed` when binds are not answered before the line `open`. Requests come as lines of JSON, and so do
 * the results. It ends with its standard input.
 */
export interface CentreRequest {
  /** PDUs that may be without an answer at a time. */
  readonly window: number
  /** PDUs a second, evenly spread; `null` for as many as are acknowledged. */
  readonly perSecond: number | null
  /** Stops after so many PDUs; `null` for as many as fit the time. */
  readonly pdus: number | null
  /** Not counted, at the beginning. */
  readonly warmUpMs: number
  readonly forMs: number
  /** What was refused goes out again after so long. */
  readonly againAfterMs: number
}

export interface CentreResult {
  /** Distinct PDUs, and the senders they came from. */
  readonly sent: number
  readonly senders: number
  readonly acknowledged: number
  /** Acknowledged between the lines `counting` and `counted` on its output. */
  readonly counted: number
  /** Acknowledged a second after the warm-up. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Answers by status, other than 0. */
  readonly refused: Readonly<Record<string, number>>
  /** From the first PDU to the last answer. */
  readonly tookMs: number
  readonly lostLinks: number
}

/** Since the last time it was asked. */
export interface SubmitsSeen {
  /** `Date.now` of each submit_sm. */
  readonly submittedAt: readonly number[]
  /** How long each receipt waited for its answer. */
  readonly receiptMs: readonly number[]
  /** `Date.now` when each message's receipt left, by its id. */
  readonly receiptAt: Readonly<Record<string, number>>
  readonly receiptsRefused: number
}

const [file = '', door = 'open'] = process.argv.slice(2)
const outgoing = new Outgoing(readMessages(file))

const command = { submit: 0x4, deliver: 0x5, unbind: 0x6, enquire: 0x15, bindMost: 0x9 }
const receiptBit = 0x4000_0000

let socket: Socket | null = null
let held: Buffer[] | null = door === 'closed' ? [] : null
let lostLinks = 0
let submitted = 0
let receiptsRefused = 0
const receipts = new Map<number, number>()
let submittedAt: number[] = []
let receiptMs: number[] = []
let receiptAt: Record<string, number> = {}

/** One run's state; only one runs at a time. */
class Run {
  readonly #request: CentreRequest
  readonly #slots: (Buffer | null)[]
  readonly #sentAt: number[]
  readonly #free: number[] = []
  readonly #latencies: number[] = []
  readonly #due: number[] = []
  readonly #refused: Record<string, number> = {}
  readonly #sendersBefore = outgoing.senders
  readonly #began = performance.now()
  readonly #countFrom: number
  readonly #countTo: number
  #sent = 0
  #acknowledged = 0
  #issued = 0
  #turn = 0

  constructor(request: CentreRequest) {
    this.#request = request
    this.#slots = Array.from({ length: request.window }, () => null)
    this.#sentAt = this.#slots.map(() => 0)
    for (let slot = request.window - 1; slot >= 0; slot--) this.#free.push(slot)
    this.#countFrom = this.#began + request.warmUpMs
    this.#countTo = this.#countFrom + request.forMs
  }

  /** Sends what the window and the pace allow. */
  fill(): void {
    if (this.#request.perSecond === null) {
      const now = performance.now()
      while (this.#free.length > 0 && !this.over(now)) this.#send(now)
    } else while (this.#free.length > 0 && this.#due.length > 0) this.#send(this.#due.shift() ?? 0)
  }

  answered(sequence: number, status: number): void {
    const slot = (sequence & 0xffff) - 1
    const pdu = this.#slots[slot]
    if (pdu === undefined || pdu === null) throw new Error(`a response to nothing: ${sequence}`)
    if (status !== 0) {
      const name = `0x${status.toString(16)}`
      this.#refused[name] = (this.#refused[name] ?? 0) + 1
      setTimeout(() => write(pdu), this.#request.againAfterMs)
      return
    }
    const now = performance.now()
    this.#slots[slot] = null
    this.#free.push(slot)
    this.#acknowledged++
    if (now >= this.#countFrom && now < this.#countTo) this.#latencies.push(now - (this.#sentAt[slot] ?? now))
  }

  over(now = performance.now()): boolean {
    const { pdus } = this.#request
    return now >= this.#countTo || (pdus !== null && this.#sent >= pdus) || socket === null
  }

  async end(): Promise<CentreResult> {
    const { perSecond, warmUpMs } = this.#request
    const pace = perSecond === null ? undefined : setInterval(() => this.#issue(perSecond), 1)
    setTimeout(() => say('counting'), warmUpMs)
    this.fill()
    const soon = () => new Promise((resolve) => setTimeout(resolve, 2))
    while (!this.over()) await soon()
    say('counted')
    clearInterval(pace)
    const deadline = performance.now() + 60_000
    while (this.#acknowledged < this.#sent && socket !== null && performance.now() < deadline) await soon()
    return this.#result(performance.now())
  }

  /** An even pace, however long the answers take; waiting for a free slot is part of a message's latency. */
  #issue(perSecond: number): void {
    const now = performance.now()
    if (this.over(now)) return
    const until = ((now - this.#began) / 1000) * perSecond
    for (; this.#issued < until; this.#issued++) this.#due.push(this.#began + (this.#issued / perSecond) * 1000)
    this.fill()
  }

  #send(dueMs: number): void {
    const slot = this.#free.pop()
    if (slot === undefined) throw new Error('the window is full')
    const pdu = outgoing.next()
    this.#turn = (this.#turn + 1) % 0x3fff
    pdu.writeUInt32BE(this.#turn * 0x10000 + slot + 1, 12)
    this.#slots[slot] = pdu
    this.#sentAt[slot] = dueMs
    this.#sent++
    write(pdu)
  }

  #result(now: number): CentreResult {
    const { quantile, count } = quantiles(this.#latencies)
    const countedMs = Math.min(now, this.#countTo) - this.#countFrom
    return {
      sent: this.#sent,
      senders: outgoing.senders - this.#sendersBefore,
      acknowledged: this.#acknowledged,
      counted: count,
      rate: count / (countedMs / 1000),
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      maxMs: quantile(1),
      refused: this.#refused,
      tookMs: now - this.#began,
      lostLinks,
    }
  }
}

let run: Run | null = null

function quantiles(values: readonly number[]) {
  const sorted = Float64Array.from(values).sort()
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { quantile, count: sorted.length }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** What leaves in one turn leaves in one write. */
let corked = false
function write(pdu: Buffer): void {
  if (socket === null) return
  if (!corked) {
    const on = socket
    corked = true
    on.cork()
    process.nextTick(() => {
      corked = false
      on.uncork()
    })
  }
  socket.write(pdu)
}

function take(pdu: Buffer): void {
  const [id, status, sequence] = [pdu.readUInt32BE(4), pdu.readUInt32BE(8), pdu.readUInt32BE(12)]
  if (id === command.deliver + 0x8000_0000) answered(sequence, status)
  else if (id === command.submit) submit(pdu, sequence)
  else if (id === command.enquire) write(response(id, sequence, null))
  else if (id === command.unbind) write(response(id, sequence, null))
  else if (id <= command.bindMost) bind(response(id, sequence, 'centre'))
  else if (id !== command.enquire + 0x8000_0000) throw new Error(`an unexpected PDU ${id.toString(16)}`)
}

function bind(answer: Buffer): void {
  if (held !== null) held.push(answer)
  else {
    write(answer)
    say('bound')
  }
}

function answered(sequence: number, status: number): void {
  if ((sequence & receiptBit) === 0) run?.answered(sequence, status)
  else {
    receiptMs.push(performance.now() - (receipts.get(sequence) ?? 0))
    receipts.delete(sequence)
    if (status !== 0) receiptsRefused++
  }
}

/** Taken at once, and delivered at once. */
function submit(pdu: Buffer, sequence: number): void {
  submitted++
  submittedAt.push(Date.now())
  const id = String(3_000_000_000 + submitted)
  write(response(command.submit, sequence, id))
  const receipt = receiptFor(pdu, id)
  if (receipt === null) return
  const number = receiptBit + submitted
  receipt.writeUInt32BE(number, 12)
  receipts.set(number, performance.now())
  receiptAt[id] = Date.now()
  write(receipt)
}

const server = createServer({ noDelay: true }, (entered) => {
  let rest: Buffer | null = null
  socket = entered
  entered.on('error', () => {})
  entered.on('close', () => {
    if (socket !== entered) return
    socket = null
    lostLinks++
    say('unbound')
  })
  entered.on('data', (chunk) => {
    const bytes = rest === null ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (at + 16 <= bytes.length && at + bytes.readUInt32BE(at) <= bytes.length) {
      const end = at + bytes.readUInt32BE(at)
      take(bytes.subarray(at, end))
      at = end
    }
    rest = at === bytes.length ? null : bytes.subarray(at)
    run?.fill()
  })
})

async function perform(line: string): Promise<void> {
  if (line === 'submits') {
    const seen: SubmitsSeen = { submittedAt, receiptMs, receiptAt, receiptsRefused }
    ;[submittedAt, receiptMs, receiptAt, receiptsRefused] = [[], [], {}, 0]
    say(JSON.stringify(seen))
    return
  }
  if (line === 'open') {
    const answers = held ?? []
    held = null
    answers.forEach(bind)
    return
  }
  run = new Run(JSON.parse(line) as CentreRequest)
  const result = await run.end()
  run = null
  say(JSON.stringify(result))
}

server.listen({ host: '127.0.0.1', port: 0 }, () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) say(String(address.port))
})
createInterface({ input: process.stdin })
  .on('line', (line) => void perform(line))
  .on('close', () => process.exit(0))
