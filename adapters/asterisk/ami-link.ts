import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { describe } from '../../gateway/errors.ts'
import { simpleAction } from './actions.ts'
import { type Fields, readBlock } from './block.ts'
import { AmiFraming, type Piece } from './framing.ts'

export interface AmiLinkSetup {
  readonly socket: Socket
  readonly pingEveryMs: number
  readonly pingTimeoutMs: number
  /** One block that is no answer to an action of this side. */
  event(block: Buffer): void
  /** What is no whole block; the link ends with it. */
  broken(piece: Piece & { kind: 'unframed' | 'cut-off' }): void
}

/** One connection to a manager interface: blocks in, actions out, and whether anybody is there. */
export class AmiLink {
  /** Resolves with the reason when the connection is gone. Never rejects. */
  readonly closed: Promise<string>
  /** The exchange's first line. Rejects when the link closes before. */
  readonly banner: Promise<string>
  readonly #setup: AmiLinkSetup
  readonly #framing = new AmiFraming()
  readonly #waiting = new Map<string, (answer: Fields | null) => void>()
  #resolveClosed: (reason: string) => void = () => {}
  #greeted: (banner: string | null) => void = () => {}
  #reason: string | null = null
  #actions = 0
  #held = false
  #heardMs = performance.now()
  #pingedMs = 0
  #pinging: NodeJS.Timeout | null = null

  constructor(setup: AmiLinkSetup) {
    this.#setup = setup
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.banner = new Promise((resolve, reject) => {
      this.#greeted = (banner) => (banner === null ? reject(new Error(this.#reason ?? 'closed')) : resolve(banner))
    })
    this.banner.catch(() => {})
    const { socket } = setup
    socket.on('error', (error) => this.close(describe(error)))
    socket.on('end', () => this.#ended())
    socket.on('close', () => this.#ended())
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#watch(setup.pingEveryMs)
  }

  /** Sends an action and waits for its response; rejects when the link closes before. */
  async ask(make: (actionId: string) => Buffer): Promise<Fields> {
    const id = `gw-${++this.#actions}`
    const answer = new Promise<Fields | null>((resolve) => this.#waiting.set(id, resolve))
    if (this.#reason === null) this.#setup.socket.write(make(id))
    else this.#waiting.get(id)?.(null)
    const fields = await answer
    if (fields === null) throw new Error(this.#reason ?? 'the link closed')
    return fields
  }

  /** Sends an action whose answer nobody waits for. */
  tell(make: (actionId: string) => Buffer): void {
    if (this.#reason === null) this.#setup.socket.write(make(`gw-${++this.#actions}`))
  }

  /** While held nothing is read, so silence says nothing of the far end. */
  hold(held: boolean): void {
    if (held === this.#held || this.#reason !== null) return
    this.#held = held
    this.#heardMs = performance.now()
    if (held) this.#setup.socket.pause()
    else this.#setup.socket.resume()
  }

  close(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (this.#pinging !== null) clearTimeout(this.#pinging)
    this.#setup.socket.destroy()
    for (const settle of this.#waiting.values()) settle(null)
    this.#waiting.clear()
    this.#greeted(null)
    this.#resolveClosed(reason)
  }

  #ended(): void {
    if (this.#reason !== null) return
    this.#take(this.#framing.end())
    this.close('the exchange closed the link')
  }

  #read(chunk: Buffer): void {
    this.#heardMs = performance.now()
    this.#take(this.#framing.push(chunk))
  }

  #take(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (this.#reason !== null) return
      if (piece.kind === 'banner') this.#greeted(piece.bytes.toString('latin1'))
      else if (piece.kind === 'block') this.#block(piece.bytes)
      else {
        this.#setup.broken(piece)
        if (piece.kind === 'unframed') this.close('a block or line that does not end')
      }
    }
  }

  #block(bytes: Buffer): void {
    if (!/^response:/i.test(bytes.subarray(0, 9).toString('latin1'))) {
      this.#setup.event(bytes)
      return
    }
    try {
      const fields = readBlock(bytes)
      const id = fields.get('ActionID') ?? ''
      this.#waiting.get(id)?.(fields)
      this.#waiting.delete(id)
    } catch {
      // Not a response then; decode says what is wrong with it.
      this.#setup.event(bytes)
    }
  }

  #watch(ms: number): void {
    this.#pinging = setTimeout(() => this.#look(), Math.max(1, ms))
  }

  #look(): void {
    const { pingEveryMs, pingTimeoutMs } = this.#setup
    const nowMs = performance.now()
    const quietMs = this.#held ? 0 : nowMs - this.#heardMs
    if (quietMs < pingEveryMs) this.#watch(pingEveryMs - quietMs)
    else if (this.#pingedMs < this.#heardMs) {
      this.#pingedMs = nowMs
      this.tell((id) => simpleAction('Ping', id))
      this.#watch(pingTimeoutMs)
    } else {
      // A process that was busy looks at its timers first: what came meanwhile is read before the link is given up.
      setImmediate(() => this.#overdue(quietMs))
    }
  }

  #overdue(quietMs: number): void {
    if (this.#reason !== null) return
    if (this.#held || this.#pingedMs < this.#heardMs) this.#watch(this.#setup.pingEveryMs)
    else this.close(`the exchange is silent for ${Math.round(quietMs)} ms`)
  }
}
