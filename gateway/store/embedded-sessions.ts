import { createServer, type Server, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { Frames, query, sync, type Unit } from './embedded-frames.ts'

// pglite-socket would do this, were it not for one thing: it takes turns by message, not by query. As soon as a query's
// messages do not fit one read of the socket, another connection's query comes between its Parse and its Bind, and both
// run the same statement without an error.

/** One connection, or the process's own errands, which have no socket. */
interface Session {
  readonly socket: Socket | null
}

interface Turn {
  readonly session: Session
  readonly unit: Unit
  readonly done: (() => void) | null
}

export interface SessionsOptions {
  readonly db: PGlite
  /** Rolls a transaction back that says nothing for this long: all other connections wait for it. */
  readonly idleInTransactionMs: number
  readonly warn: (message: string) => void
  /** Called after each turn with the bytes it carried. */
  readonly after: (bytes: number) => void
  readonly fail: (error: unknown) => never
}

/** Serves one database session to many connections: queries take turns, and a transaction keeps the turn to its end. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #errands: Session = { socket: null }
  #queue: Turn[] = []
  /** Whose transaction, or unfinished series of messages, is open. */
  #owner: Session | null = null
  #running: Promise<void> | null = null
  #idle: NodeJS.Timeout | null = null

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#serve(socket))
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
  }

  /** Runs SQL between the connections' turns. Errors in it are not reported: maintenance tries again. */
  run(sql: string): Promise<void> {
    return new Promise((done) => this.#enqueue({ session: this.#errands, unit: query(sql), done }))
  }

  /** Cuts every connection, rolls back what is open, and resolves when the database is left alone. */
  async close(): Promise<void> {
    this.#server.close()
    this.#queue = []
    for (const socket of this.#sockets) socket.destroy()
    while (this.#running !== null) await this.#running
    if (this.#owner !== null) await this.#abandon()
  }

  #serve(socket: Socket): void {
    const session: Session = { socket }
    const frames = new Frames()
    this.#sockets.add(socket)
    // Its errors are followed by 'close', which does all there is to do.
    socket.on('error', () => {})
    socket.on('close', () => this.#leave(session))
    socket.on('data', (chunk) => {
      for (const unit of frames.read(chunk)) {
        if (unit.kind === 'refuse-encryption') socket.write('N')
        else if (unit.kind === 'end') socket.end()
        else this.#enqueue({ session, unit, done: null })
      }
    })
  }

  #enqueue(turn: Turn): void {
    this.#queue.push(turn)
    this.#work()
  }

  #work(): void {
    this.#running ??= this.#takeTurns().finally(() => {
      this.#running = null
      this.#watchOwner()
    })
  }

  async #takeTurns(): Promise<void> {
    for (;;) {
      if (this.#owner?.socket?.destroyed) await this.#abandon()
      const turn = this.#next()
      if (turn === null) return
      await this.#take(turn)
      // Sockets are read and the parent is heard between turns, however long the queue is.
      await new Promise((resume) => setImmediate(resume))
    }
  }

  #next(): Turn | null {
    if (this.#owner === null) return this.#queue.shift() ?? null
    const index = this.#queue.findIndex(({ session }) => session === this.#owner)
    return index < 0 ? null : (this.#queue.splice(index, 1)[0] ?? null)
  }

  async #take({ session, unit, done }: Turn): Promise<void> {
    this.#stopWatching()
    const out = await this.#execute(unit.bytes)
    this.#owner = unit.kind === 'part' || this.#options.db.isInTransaction() ? session : null
    if (session.socket?.writable) session.socket.write(out)
    done?.()
    this.#options.after(unit.bytes.length)
  }

  async #execute(bytes: Uint8Array): Promise<Buffer> {
    const chunks: Buffer[] = []
    // What is handed over is a view of the database's memory, good for this moment.
    const onRawData = (data: Uint8Array) => void chunks.push(Buffer.from(data))
    try {
      await this.#options.db.execProtocolRawStream(bytes, { syncToFs: false, onRawData })
    } catch (error) {
      this.#options.fail(error)
    }
    return Buffer.concat(chunks)
  }

  /** Ends what the owner left open: its unfinished series of messages first, then its transaction. */
  async #abandon(): Promise<void> {
    this.#stopWatching()
    await this.#execute(sync.bytes)
    await this.#execute(query('ROLLBACK').bytes)
    this.#owner = null
  }

  #leave(session: Session): void {
    if (session.socket !== null) this.#sockets.delete(session.socket)
    this.#queue = this.#queue.filter((turn) => turn.session !== session)
    this.#work()
  }

  /** Called after every series of turns; the clock of an owner that had none in it goes on. */
  #watchOwner(): void {
    const owner = this.#owner
    if (owner === null || this.#idle !== null) return
    this.#idle = setTimeout(() => {
      this.#options.warn('a transaction said nothing for too long and was rolled back')
      owner.socket?.destroy()
    }, this.#options.idleInTransactionMs)
  }

  #stopWatching(): void {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#idle = null
  }
}
