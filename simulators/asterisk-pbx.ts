import { appendFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { loginKey } from '../adapters/asterisk/actions.ts'
import { type Fields, readBlock, writeBlock } from '../adapters/asterisk/block.ts'
import { writeCsv } from '../adapters/asterisk/csv.ts'
import { AmiFraming } from '../adapters/asterisk/framing.ts'
import { type EventFields, type Scripted, type SimulatedCall, scripted } from './asterisk-call.ts'

/**
 * An Asterisk's manager interface and CDR file: logs in, tells calls as they happen, and has the bad habits of a link:
 * events that are dropped, a far end that says nothing more, half a block.
 */

export interface PbxSetup {
  readonly username?: string
  readonly secret: string
  /** `timestampevents` in manager.conf. */
  readonly stamped?: boolean
  /** Where cdr_csv writes; `null`: nowhere. */
  readonly cdrFile?: string | null
  /** Minutes east of UTC of the exchange's clock. */
  readonly offsetMinutes?: number
  readonly port?: number
}

export interface PbxTally {
  calls: number
  cdrs: number
  /** Events that a link which was there did not get. */
  dropped: number
  readonly endings: Record<string, number>
}

interface Session {
  readonly socket: Socket
  readonly challenge: string
  loggedIn: boolean
}

export class SimulatedPbx {
  readonly tally: PbxTally = { calls: 0, cdrs: 0, dropped: 0, endings: {} }
  /** Asked for each event: is it dropped, as a loaded exchange does? */
  drops: (event: string) => boolean = () => false
  /** Nothing more is written, not even answers; nothing is closed. */
  stalled = false
  readonly #setup: PbxSetup
  readonly #sessions = new Set<Session>()
  readonly #passing = new Map<NodeJS.Timeout, () => void>()
  readonly #under = new Map<string, Scripted>()
  readonly #server: Server
  #channels = 0
  #sequence = 0

  constructor(setup: PbxSetup) {
    this.#setup = setup
    this.#server = createServer((socket) => this.#entered(socket))
  }

  /** Listens on loopback; the port. */
  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(this.#setup.port ?? 0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.cut()
    for (const [timer, over] of this.#passing) {
      clearTimeout(timer)
      over()
    }
    this.#passing.clear()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** Links that have logged in. */
  get links(): number {
    return [...this.#sessions].filter(({ loggedIn }) => loggedIn).length
  }

  /** A whole call at once, told as if it had just ended; its Uniqueid. */
  call(call: SimulatedCall): string {
    const nowMs = Date.now()
    const script = this.#begin(call, Math.floor(nowMs / 1000))
    const beganMs = nowMs - script.endedS * 1000
    for (const { atS, fields } of script.steps) this.#tell(beganMs + atS * 1000, fields)
    this.#end(call, script, beganMs)
    return script.uniqueId
  }

  /** A call that takes its time, `speed` times faster than it would. Resolves with its Uniqueid when it is over. */
  async ring(call: SimulatedCall, speed = 1): Promise<string> {
    const beganMs = Date.now()
    const script = this.#begin(call, Math.floor(beganMs / 1000))
    this.#under.set(script.uniqueId, script)
    let told = 0
    for (const { atS, fields } of script.steps) {
      if (atS > told) await this.#pass(((atS - told) * 1000) / speed)
      told = Math.max(told, atS)
      this.#tell(Date.now(), fields)
    }
    this.#under.delete(script.uniqueId)
    this.#end(call, script, beganMs)
    return script.uniqueId
  }

  /** Octets as they are, to every link. */
  say(bytes: Uint8Array): void {
    for (const { socket } of this.#sessions) socket.write(bytes)
  }

  /** Closes every link, in the midst of whatever was being said. */
  cut(): void {
    for (const { socket } of this.#sessions) socket.destroy()
    this.#sessions.clear()
  }

  #begin(call: SimulatedCall, second: number): Scripted {
    this.tally.calls++
    this.tally.endings[call.ending] = (this.tally.endings[call.ending] ?? 0) + 1
    const script = scripted(call, second, this.#channels)
    this.#channels += 2
    return script
  }

  /** The time passes at once when the exchange stops. */
  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#passing.delete(timer)
        resolve()
      }, ms)
      this.#passing.set(timer, resolve)
    })
  }

  #end({ from, to, context = 'hotline' }: SimulatedCall, script: Scripted, beganMs: number): void {
    const sequence = this.#sequence++
    this.tally.cdrs++
    const { channel, seatChannel, disposition, uniqueId, answeredS, endedS } = script
    const start = this.#clock(beganMs)
    const answer = answeredS === null ? '' : this.#clock(beganMs + answeredS * 1000)
    const end = this.#clock(beganMs + endedS * 1000)
    const lasted = Math.round(endedS)
    const talked = answeredS === null ? 0 : Math.round(endedS - answeredS)
    const callerId = `"" <${from}>`
    this.#tell(Date.now(), [
      ['Event', 'Cdr'],
      ['Privilege', 'cdr,all'],
      ['AccountCode', ''],
      ['Source', from],
      ['Destination', to],
      ['DestinationContext', context],
      ['CallerID', callerId],
      ['Channel', channel],
      ['DestinationChannel', seatChannel],
      ['StartTime', start],
      ['AnswerTime', answer],
      ['EndTime', end],
      ['Duration', lasted],
      ['BillableSeconds', talked],
      ['Disposition', disposition],
      ['UniqueID', uniqueId],
      ['LinkedID', uniqueId],
      ['Sequence', sequence],
    ])
    const { cdrFile = null } = this.#setup
    if (cdrFile === null) return
    const times = [start, answer === '' ? null : answer, end, lasted, talked]
    const head = ['', from, to, context, callerId, channel, seatChannel, 'Dial', '']
    appendFileSync(
      cdrFile,
      writeCsv([...head, ...times, disposition, 'DOCUMENTATION', uniqueId, '', '', uniqueId, sequence]),
    )
  }

  #clock(ms: number): string {
    const shown = new Date(ms + (this.#setup.offsetMinutes ?? 0) * 60_000)
    return shown.toISOString().slice(0, 19).replace('T', ' ')
  }

  #tell(atMs: number, fields: EventFields): void {
    const [[, event] = ['', ''], privilege, ...rest] = fields
    if (this.links === 0) return
    if (this.drops(String(event)) || this.stalled) {
      this.tally.dropped++
      return
    }
    const stamp: EventFields = this.#setup.stamped === false ? [] : [['Timestamp', (atMs / 1000).toFixed(6)]]
    const block = writeBlock([['Event', event], ...(privilege === undefined ? [] : [privilege]), ...stamp, ...rest])
    for (const { socket, loggedIn } of this.#sessions) if (loggedIn) socket.write(block)
  }

  #entered(socket: Socket): void {
    const session: Session = { socket, challenge: String(100_000_000 + this.#sessions.size), loggedIn: false }
    const framing = new AmiFraming('block')
    this.#sessions.add(session)
    socket.on('error', () => {})
    socket.on('close', () => this.#sessions.delete(session))
    socket.on('data', (chunk) => {
      for (const piece of framing.push(chunk)) if (piece.kind === 'block') this.#action(session, readBlock(piece.bytes))
    })
    if (!this.stalled) socket.write('Asterisk Call Manager/5.0.4\r\n')
  }

  #action(session: Session, fields: Fields): void {
    if (this.stalled) return
    const answer = (response: string, ...more: EventFields) =>
      session.socket.write(writeBlock([['Response', response], ['ActionID', fields.get('ActionID') ?? ''], ...more]))
    const actionId = fields.get('ActionID') ?? ''
    switch (fields.get('Action')) {
      case 'Challenge':
        answer('Success', ['Challenge', session.challenge])
        break
      case 'Login':
        this.#logIn(session, fields, answer)
        break
      case 'Ping':
        answer('Success', ['Ping', 'Pong'])
        break
      case 'CoreShowChannels':
        answer('Success', ['EventList', 'start'])
        this.#showChannels(session, actionId)
        break
      case 'Logoff':
        answer('Goodbye')
        session.socket.end()
        break
      default:
        answer('Error', ['Message', 'Invalid/unknown command'])
    }
  }

  #logIn(session: Session, fields: Fields, answer: (response: string, ...more: EventFields) => void): void {
    const { username = 'gateway', secret } = this.#setup
    const key = fields.get('Key')
    const proven = key === null ? fields.get('Secret') === secret : key === loginKey(session.challenge, secret)
    if (!proven || fields.get('Username') !== username) {
      answer('Error', ['Message', 'Authentication failed'])
      session.socket.end()
      return
    }
    session.loggedIn = true
    answer('Success', ['Message', 'Authentication accepted'])
    session.socket.write(
      writeBlock([
        ['Event', 'FullyBooted'],
        ['Privilege', 'system,all'],
        ['Status', 'Fully Booted'],
      ]),
    )
  }

  /** Each call's first channel, as it began. */
  #showChannels({ socket }: Session, actionId: string): void {
    for (const { steps } of this.#under.values()) {
      const [, , ...channel] = steps[0]?.fields ?? []
      socket.write(writeBlock([['Event', 'CoreShowChannel'], ['ActionID', actionId], ...channel]))
    }
    const items = this.#under.size
    socket.write(
      writeBlock([
        ['Event', 'CoreShowChannelsComplete'],
        ['ActionID', actionId],
        ['EventList', 'Complete'],
        ['ListItems', items],
      ]),
    )
  }
}

/** For demos: an exchange on a port, ready for calls. */
export async function startPbx(setup: PbxSetup): Promise<{ pbx: SimulatedPbx; port: number }> {
  const pbx = new SimulatedPbx(setup)
  return { pbx, port: await pbx.start() }
}
