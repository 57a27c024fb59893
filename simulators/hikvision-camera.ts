import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AlertToWrite,
  type PartToWrite,
  writeAlertXml,
  writeForm,
  writePart,
} from '../adapters/hikvision/write-alert.ts'

export interface CameraOptions {
  readonly username?: string
  readonly password?: string
  /** How often it says that it lives; 0: never. */
  readonly heartbeatMs?: number
  /** As the content type declares it, quotes and dashes and all. */
  readonly declaredBoundary?: string
  readonly eol?: '\r\n' | '\n'
  /** Parts without Content-Length. */
  readonly lengths?: 'said' | 'unsaid'
  /** As it stands behind every time: `-8:00` is a real one. */
  readonly offset?: string
  readonly port?: number
}

/** What was posted, as the device keeps count of it. */
export interface CameraTally {
  readonly alerts: number
  readonly pictures: number
  readonly heartbeats: number
  /** Requests for the stream that knew the password, and that did not. */
  readonly admitted: number
  readonly refused: number
}

/**
 * A camera or recorder: asks for HTTP Digest, streams heartbeats and alarms for ever, and posts the same to a host that it
 * was given. It keeps its own tally.
 */
export class SimulatedCamera {
  readonly #options: Required<CameraOptions>
  readonly #server: Server
  readonly #streams = new Set<ServerResponse>()
  readonly #nonce = randomBytes(8).toString('hex')
  readonly #tally = { alerts: 0, pictures: 0, heartbeats: 0, admitted: 0, refused: 0 }
  readonly #files = new Map<string, Buffer>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: CameraOptions = {}) {
    this.#options = {
      username: 'admin',
      password: 'secret',
      heartbeatMs: 300,
      declaredBoundary: 'boundary',
      eol: '\r\n',
      lengths: 'said',
      offset: '+08:00',
      port: 0,
      ...options,
    }
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  get tally(): CameraTally {
    return { ...this.#tally }
  }

  get streams(): number {
    return this.#streams.size
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async start(): Promise<string> {
    const { port, heartbeatMs } = this.#options
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    if (heartbeatMs > 0) this.#timer = setInterval(() => this.beat(), heartbeatMs)
    return this.url
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.cut()
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Ends every stream, as a device does that restarts. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  /** `videoloss`/`inactive`: nothing is wrong. */
  beat(): void {
    this.#tally.heartbeats++
    this.#write(this.#alertPart({ channel: '1', eventType: 'videoloss', eventState: 'inactive', postCount: 0 }))
  }

  /** Says an alarm to all that listen; `pictures` follow it in parts of their own. */
  say(alert: Omit<AlertToWrite, 'dateTime'> & { readonly dateTime?: string }, pictures: readonly Buffer[] = []): void {
    this.#tally.alerts++
    this.#write(this.#alertPart(alert))
    for (const body of pictures) {
      this.#tally.pictures++
      this.#write({ type: 'image/jpeg', body })
    }
  }

  /** Something begins and is posted every second, so to speak, `posts` times; many devices never say that it ended. */
  occur(eventType: string, posts: number, ends: boolean, channel = '1', at = new Date()): void {
    for (let n = 1; n <= posts; n++)
      this.say({
        channel,
        eventType,
        eventState: 'active',
        postCount: n,
        dateTime: this.time(new Date(at.getTime() + n * 1000)),
      })
    if (ends) {
      const dateTime = this.time(new Date(at.getTime() + (posts + 1) * 1000))
      this.say({ channel, eventType, eventState: 'inactive', postCount: 0, dateTime })
    }
  }

  /** Writes bytes into the stream as they are. */
  raw(bytes: Uint8Array): void {
    for (const stream of this.#streams) stream.write(bytes)
  }

  /** Keeps a picture under a path, for who has the password. */
  keep(path: string, picture: Buffer): string {
    this.#files.set(path, picture)
    return `${this.url}${path}`
  }

  /** Posts an alarm with its pictures to a host; resolves with the status. */
  async post(
    host: string,
    alert: Buffer,
    pictures: readonly Buffer[] = [],
    headers: Record<string, string> = {},
  ): Promise<number> {
    this.#tally.alerts++
    this.#tally.pictures += pictures.length
    const type = alert[0] === 0x7b ? 'application/json' : 'application/xml'
    const parts = [
      { type, name: type === 'application/json' ? 'event_log' : 'MoveDetection.xml', body: alert },
      ...pictures.map((body, n) => ({
        type: 'image/jpeg',
        name: 'detectionImage',
        filename: `detection-${n}.jpg`,
        body,
      })),
    ]
    const { contentType, body } = writeForm(parts, `---------------------------${randomBytes(6).toString('hex')}`)
    const answer = await fetch(host, {
      method: 'POST',
      headers: { 'content-type': contentType, ...headers },
      body: new Uint8Array(body),
    })
    await answer.arrayBuffer()
    return answer.status
  }

  /** The device's wall clock, which is eight hours ahead of UTC whatever offset it writes. */
  time(at = new Date()): string {
    return `${new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 19)}${this.#options.offset}`
  }

  #alertPart(alert: Omit<AlertToWrite, 'dateTime'> & { readonly dateTime?: string }): PartToWrite {
    const body = writeAlertXml({ dateTime: this.time(), ...alert })
    return {
      type: 'application/xml; charset="UTF-8"',
      body,
      announced: this.#options.lengths === 'said' ? body.length : null,
    }
  }

  #write(part: PartToWrite): void {
    const { declaredBoundary, eol } = this.#options
    this.raw(writePart(part, declaredBoundary.replaceAll('"', '').replace(/^-+/, ''), eol))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? '/'
    if (!this.#knows(request.headers.authorization ?? '', target)) {
      if (request.headers.authorization !== undefined) this.#tally.refused++
      const challenge = `Digest qop="auth", realm="DS-2CD", nonce="${this.#nonce}", stale="false"`
      response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'text/html' }).end('<html>')
      return
    }
    this.#tally.admitted++
    const file = this.#files.get(target)
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(file)
      return
    }
    if (target !== '/ISAPI/Event/notification/alertStream') {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${this.#options.declaredBoundary}` })
    response.flushHeaders()
    this.#streams.add(response)
    response.on('close', () => this.#streams.delete(response))
  }

  #knows(authorization: string, target: string): boolean {
    const { username, password } = this.#options
    const field = (name: string) => new RegExp(`\\b${name}="?([^",]+)`).exec(authorization)?.[1] ?? ''
    const md5 = (text: string) => createHash('md5').update(text).digest('hex')
    const who = md5(`${username}:DS-2CD:${password}`)
    const what = md5(`GET:${target}`)
    return field('response') === md5(`${who}:${this.#nonce}:${field('nc')}:${field('cnonce')}:auth:${what}`)
  }
}
