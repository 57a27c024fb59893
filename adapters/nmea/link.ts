import type { Duplex } from 'node:stream'
import type { AdapterContext } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import { Assembly, type Talker } from './assembly.ts'
import type { Clock } from './clock.ts'
import { Intake, type Strangers } from './intake.ts'
import type { NmeaOptions } from './options.ts'
import { Hello, introduce } from './subject.ts'

export interface LinkSetup {
  readonly options: NmeaOptions
  readonly context: AdapterContext
  readonly clock: Clock
  readonly strangers: Strangers
  readonly stream: Duplex
  /** Closes without a good word, where the carrier knows one: TCP resets. */
  readonly reset: () => void
  /** Address of the far end, or the path of the serial port. */
  readonly peer: string
}

/**
 * One stream of bytes, of a socket or a serial port, from its first byte to its end. It is not read while too much of
 * it is being stored, and reset when something of it could not be: NMEA has no other way to say so.
 */
export class Link {
  readonly #setup: LinkSetup
  #hello: Hello | null = null
  #helloDue: (() => void) | null = null
  #intake: Intake | null = null
  #reason: string | null = null
  #ended: Promise<void> | null = null
  #failed = false
  #resolveClosed: (reason: string) => void = () => {}
  /** Resolves with the reason when the stream is closed and everything of it is stored or refused. Never rejects. */
  readonly closed: Promise<string>

  constructor(setup: LinkSetup) {
    this.#setup = setup
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const { stream, options, peer, clock } = setup
    stream.on('error', (error) => this.close(describe(error)))
    // A socket stays open for writing until all that came is stored, so an orderly close says that it is.
    stream.on('end', () => this.close('the far end closed'))
    stream.on('close', () => this.close('the far end closed'))
    const introduction = introduce(options.subject, peer)
    if (introduction === 'stranger') {
      this.#refuse('an unknown peer', {})
      return
    }
    if (introduction !== 'hello') this.#begin(introduction)
    else if (options.subject.by === 'hello') {
      this.#hello = new Hello(options.subject)
      this.#helloDue = clock.after(options.subject.within, () => this.#refuse('no hello in time', {}))
    }
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Messages are being stored: silence is then no sign of a dead far end, since it is not read. */
  get busy(): boolean {
    return (this.#intake?.underWay ?? 0) > 0
  }

  /** Ends the link from this side; what was read is stored first. */
  close(reason: string): void {
    void this.#end(reason)
  }

  /** Leaves the far end at once; what was read is still stored. */
  leave(reason: string): void {
    this.close(reason)
    this.#setup.stream.destroy()
  }

  #begin(talker: Talker): void {
    const { options, context, clock, strangers, peer, stream } = this.#setup
    this.#intake = new Intake({
      assembly: new Assembly(talker, peer, options.checksum),
      context,
      clock,
      strangers,
      peer,
      quietAfterMs: options.quietAfter,
      moved: (underWay) => {
        if (underWay >= options.window) stream.pause()
        else if (stream.isPaused() && underWay <= options.window / 2 && this.#ended === null) stream.resume()
      },
      failed: (reason) => this.#fail(reason),
    })
  }

  #read(chunk: Buffer): void {
    if (this.#ended !== null) return
    if (this.#hello === null) {
      this.#intake?.push(chunk)
      return
    }
    const hello = this.#hello.push(chunk)
    if (hello === 'more') return
    this.#helloDue?.()
    if (hello.subject === null) {
      this.#refuse('an unknown hello', { line: hello.line })
      return
    }
    this.#hello = null
    this.#begin({ subject: hello.subject })
    if (hello.rest.length > 0) this.#read(hello.rest)
  }

  #refuse(reason: string, fields: Record<string, unknown>): void {
    const { context, peer } = this.#setup
    if (this.#ended !== null) return
    context.refused(reason, { peer, ...fields })
    this.close(reason)
  }

  /** What else was read is not handed in: the far end is told that it is not taken, and sends again if it can. */
  #fail(reason: string): void {
    const { context, peer } = this.#setup
    if (!this.#failed) context.log.warn({ peer, reason }, 'nmea messages were not stored, link closed')
    this.#failed = true
    this.close(`not stored: ${reason}`)
  }

  #end(reason: string): Promise<void> {
    this.#reason ??= reason
    this.#ended ??= this.#finish()
    return this.#ended
  }

  async #finish(): Promise<void> {
    const { stream } = this.#setup
    this.#helloDue?.()
    stream.pause()
    if (this.#failed) this.#setup.reset()
    await (this.#failed ? this.#intake?.settled() : this.#intake?.end())
    if (this.#failed) this.#setup.reset()
    stream.destroy()
    const skipped = this.#intake?.skipped ?? 0
    if (skipped > 0)
      this.#setup.context.log.debug({ peer: this.#setup.peer, skipped }, 'nmea lines of gpsd passed over')
    this.#resolveClosed(this.#reason ?? '')
  }
}
