import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import sharp from 'sharp'
import { ns } from '../adapters/onvif/names.ts'
import type { Notification } from '../adapters/onvif/notification.ts'
import { askedIn } from '../adapters/onvif/operations.ts'
import { envelope, faultEnvelope, readEnvelope } from '../adapters/onvif/soap.ts'
import { durationMs } from '../adapters/onvif/times.ts'
import type { XmlElement } from '../adapters/onvif/xml.ts'
import { DeviceGate } from './onvif-access.ts'
import { type Listening, lifetimeOf, Subscriptions, untilTold } from './onvif-subscriptions.ts'

/**
 * An ONVIF camera: device, event and media services, pull-points that hold their answers, base notification, snapshots,
 * and the bad habits of cameras.
 */
export interface CameraHabits {
  readonly username: string | null
  readonly password: string
  /** Who asks is known by HTTP Digest, by a UsernameToken, or must give both. */
  readonly proof: 'digest' | 'token' | 'both'
  readonly clockAheadMs: number
  /** What it calls itself in addresses; `null`: as it was reached. */
  readonly calls: string | null
  /** The longest that it grants, whatever is asked for. */
  readonly mostMs: number
  /** With every answer it says so much more than is true is left of a subscription. */
  readonly saysMoreMs: number
  readonly renew: 'honoured' | 'refused' | 'ignored'
  /** `false`: a pull is answered at once. */
  readonly holds: boolean
  /** Subscriptions are told apart by a reference parameter, at one address. */
  readonly byParameter: boolean
  readonly knowsServices: boolean
  /** Where it says that its snapshot is; `null`: at itself. */
  readonly snapshotAt: string | null
}

const usual: CameraHabits = {
  username: null,
  password: '',
  proof: 'token',
  clockAheadMs: 0,
  calls: null,
  mostMs: 600_000,
  saysMoreMs: 0,
  renew: 'honoured',
  holds: true,
  byParameter: false,
  knowsServices: true,
  snapshotAt: null,
}

/** What a pull is answered with instead, once. */
export type Trick =
  | { readonly does: 'send'; readonly body: Buffer }
  | { readonly does: 'endless' }
  | { readonly does: 'large'; readonly bytes: number }
  | { readonly does: 'cut' }
  | { readonly does: 'silent' }

const routes = 'http://camera.example/ns'
const motionTopic = 'tns1:RuleEngine/CellMotionDetector/Motion'

export class SimulatedCamera {
  readonly habits: CameraHabits
  readonly subscriptions = new Subscriptions()
  /** How often each operation was asked, refused ones too. */
  readonly asked = new Map<string, number>()
  /** The next pulls are answered by these. */
  readonly tricks: Trick[] = []
  /** What a snapshot is answered with: status and bytes. */
  picture: { status: number; type: string; bytes: Buffer } = { status: 200, type: 'image/jpeg', bytes: Buffer.alloc(0) }
  /** Notifications that were handed out, or posted and taken. */
  handedOut = 0
  /** Notifications that happened; Initialized ones apart. */
  happened = 0
  denied = 0
  readonly #properties = new Map<string, Notification>()
  readonly #server: Server
  readonly #gate: DeviceGate
  readonly #posting = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #host = ''
  #saidMoreMs = 0

  constructor(habits: Partial<CameraHabits> = {}) {
    this.habits = { ...usual, ...habits }
    this.#gate = new DeviceGate(this.habits.username ?? '', this.habits.password)
    this.#server = createServer((asked, answer) => {
      this.#answer(asked, answer).catch(() => answer.destroy())
    })
    this.#server.keepAliveTimeout = 0
  }

  /** Listens on loopback; the address of its device service. */
  async start(port = 0): Promise<string> {
    const colour = { r: 40, g: 90, b: 60 }
    const bytes = await sharp({ create: { width: 64, height: 48, channels: 3, background: colour } })
      .jpeg()
      .toBuffer()
    this.picture = { status: 200, type: 'image/jpeg', bytes }
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    this.#host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return `http://${this.#host}/onvif/device_service`
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.subscriptions.forgetAll()
    this.#server.closeAllConnections()
    await Promise.allSettled(this.#posting)
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  get now(): Date {
    return new Date(Date.now() + this.habits.clockAheadMs)
  }

  /** Something happens; the state of a property is kept for whoever subscribes. */
  tell(notification: Notification): void {
    this.happened++
    if (notification.operation !== null) {
      const name = JSON.stringify([notification.topic, notification.source, notification.key])
      if (notification.operation === 'Deleted') this.#properties.delete(name)
      else this.#properties.set(name, notification)
    }
    this.#spread(notification)
  }

  motion(isMotion: boolean, source = 'VideoSource_1', rule = 'MyMotion'): void {
    this.tell({
      topic: motionTopic,
      topicNamespace: null,
      utcTime: this.now.toISOString(),
      operation: 'Changed',
      source: [
        { name: 'VideoSourceConfigurationToken', value: source },
        { name: 'Rule', value: rule },
      ],
      key: [],
      data: [{ name: 'IsMotion', value: String(isMotion) }],
    })
  }

  /** Somebody pulls the plug: nothing is known afterwards, and the connections are cut. */
  reboot(): void {
    this.subscriptions.forgetAll()
    this.#server.closeAllConnections()
  }

  #spread(notification: Notification): void {
    for (const one of this.subscriptions.tell(notification)) if (one.consumer !== null) this.#post(one)
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const target = asked.url ?? '/'
    const chunks: Buffer[] = []
    for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk)
    const message = asked.method === 'POST' ? readEnvelope(Buffer.concat(chunks)) : null
    const header = message?.is === 'body' ? message.header : null
    const operation = message?.is === 'body' ? (message.body.children[0]?.name ?? '') : 'snapshot'
    this.asked.set(operation, (this.asked.get(operation) ?? 0) + 1)
    if (operation !== 'GetSystemDateAndTime' && this.habits.username !== null) {
      const { proof } = this.habits
      const digest = this.#gate.admitsDigest(asked.headers.authorization ?? '', asked.method ?? '', target)
      if ((proof !== 'token' || message === null) && !digest) {
        this.denied++
        answer.writeHead(401, { 'www-authenticate': this.#gate.challenge() }).end()
        return
      }
      if (proof !== 'digest' && message !== null && !this.#gate.admitsToken(header, this.now)) {
        this.denied++
        return send(answer, 400, faultEnvelope(['s:Sender', 'ter:NotAuthorized'], 'Sender not Authorized'))
      }
    }
    if (message === null) {
      answer.writeHead(this.picture.status, { 'content-type': this.picture.type }).end(this.picture.bytes)
      return
    }
    if (message.is === 'fault') return send(answer, 400, faultEnvelope(['s:Sender'], 'a fault is no request'))
    await this.#serve(message.body, header, target, answer)
  }

  async #serve(body: XmlElement, header: XmlElement | null, target: string, answer: ServerResponse): Promise<void> {
    const { operation, termination, consumer, timeout, limit } = askedIn(body)
    const own = `http://${this.habits.calls ?? this.#host}`
    const simple = this.#description(operation, own)
    if (simple !== null) return send(answer, 200, envelope('', simple))
    if (operation === 'CreatePullPointSubscription' || operation === 'Subscribe')
      return this.#subscribe(operation, consumer, termination, own, answer)
    const id = this.habits.byParameter
      ? header?.children.find((one) => one.ns === routes)?.text
      : target.replace('/onvif/subscription/', '')
    const one = this.subscriptions.find(id ?? '')
    if (one === undefined)
      return send(
        answer,
        400,
        faultEnvelope(['s:Receiver', 'ter:InvalidArgVal'], 'no such subscription', '<wsrf:ResourceUnknownFault/>'),
      )
    if (operation === 'PullMessages')
      return this.#pull(one, this.habits.holds ? (durationMs(timeout ?? '') ?? 1000) : 0, limit ?? 1, answer)
    if (operation === 'SetSynchronizationPoint') {
      this.#synchronise(one)
      return send(answer, 200, envelope('', '<tev:SetSynchronizationPointResponse/>'))
    }
    if (operation === 'Renew') return this.#renew(one, termination, answer)
    if (operation === 'Unsubscribe') {
      this.subscriptions.drop(one)
      return send(answer, 200, envelope('', '<n:UnsubscribeResponse/>'))
    }
    return send(answer, 500, faultEnvelope(['s:Receiver', 'ter:ActionNotSupported'], 'not here'))
  }

  #description(operation: string, own: string): string | null {
    const { now } = this
    const services = [
      [ns.device, 'device'],
      [ns.events, 'event'],
      [ns.media, 'media'],
    ] as const
    const address = (name: string) => `${own}/onvif/${name}_service`
    if (operation === 'GetServices' && this.habits.knowsServices) {
      const each = services.map(
        ([namespace, name]) =>
          `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${address(name)}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>`,
      )
      return `<tds:GetServicesResponse>${each.join('')}</tds:GetServicesResponse>`
    }
    if (operation === 'GetCapabilities')
      return `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>${address('device')}</tt:XAddr></tt:Device><tt:Events><tt:XAddr>${address('event')}</tt:XAddr><tt:WSSubscriptionPolicySupport>true</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport><tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events><tt:Media><tt:XAddr>${address('media')}</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`
    if (operation === 'GetSystemDateAndTime')
      return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`
    if (operation === 'GetProfiles')
      return '<trt:GetProfilesResponse><trt:Profiles token="Profile_1" fixed="true"><tt:Name>main</tt:Name><tt:VideoSourceConfiguration token="VideoSource_1"><tt:Name>view</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>Source_1</tt:SourceToken><tt:Bounds x="0" y="0" width="1920" height="1080"/></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="Encoder_1"><tt:Name>main</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>'
    if (operation === 'GetVideoSources')
      return '<trt:GetVideoSourcesResponse><trt:VideoSources token="Source_1"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>'
    if (operation === 'GetSnapshotUri')
      return `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${this.habits.snapshotAt ?? `${own}/snapshot.jpg?profile=1`}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>true</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetSnapshotUriResponse>`
    return null
  }

  #subscribe(
    operation: string,
    consumer: string | null,
    termination: string | null,
    own: string,
    answer: ServerResponse,
  ) {
    const asked = lifetimeOf(termination, this.now, 60_000)
    const one = this.subscriptions.add(consumer, Math.min(asked, this.habits.mostMs))
    const parameter = `<a:ReferenceParameters><r:Route xmlns:r="${routes}">${one.id}</r:Route></a:ReferenceParameters>`
    const place = this.habits.byParameter
      ? `<a:Address>${own}/onvif/subscription</a:Address>${parameter}`
      : `<a:Address>${own}/onvif/subscription/${one.id}</a:Address>`
    const prefix = operation === 'Subscribe' ? 'n' : 'tev'
    const times = this.#times('n', one)
    send(
      answer,
      200,
      envelope(
        '',
        `<${prefix}:${operation}Response><${prefix}:SubscriptionReference>${place}</${prefix}:SubscriptionReference>${times}</${prefix}:${operation}Response>`,
      ),
    )
  }

  #times(prefix: string, one: Listening): string {
    const { clockAheadMs, saysMoreMs } = this.habits
    this.#saidMoreMs += saysMoreMs
    const until = new Date(one.endsAt + clockAheadMs + this.#saidMoreMs).toISOString()
    return `<${prefix}:CurrentTime>${this.now.toISOString()}</${prefix}:CurrentTime><${prefix}:TerminationTime>${until}</${prefix}:TerminationTime>`
  }

  #synchronise(one: Listening): void {
    const alone = new Subscriptions()
    for (const property of this.#properties.values()) {
      const listening = alone.add(null, 1000)
      alone.tell({ ...property, operation: 'Initialized' })
      if (one.state === 'alive') one.queue.push(...listening.queue)
      alone.drop(listening)
    }
    one.wake()
    if (one.consumer !== null && one.queue.length > 0) this.#post(one)
  }

  #renew(one: Listening, termination: string | null, answer: ServerResponse): void {
    const { renew, mostMs } = this.habits
    if (renew === 'refused') {
      send(answer, 500, faultEnvelope(['s:Receiver', 'ter:ActionNotSupported'], 'Renew is not supported'))
      return
    }
    if (renew === 'honoured') one.endsAt = Date.now() + Math.min(lifetimeOf(termination, this.now, 60_000), mostMs)
    const until = new Date(one.endsAt + this.habits.clockAheadMs).toISOString()
    const current = `<n:CurrentTime>${this.now.toISOString()}</n:CurrentTime>`
    send(
      answer,
      200,
      envelope('', `<n:RenewResponse><n:TerminationTime>${until}</n:TerminationTime>${current}</n:RenewResponse>`),
    )
  }

  async #pull(one: Listening, ms: number, limit: number, answer: ServerResponse): Promise<void> {
    const trick = this.tricks.shift()
    if (trick !== undefined) return play(trick, answer, this.#stopping.signal)
    const gone = new AbortController()
    answer.once('close', () => gone.abort())
    await untilTold(one, ms, gone.signal)
    // What was pulled is gone, whether or not the answer arrives: pull-points have no acknowledgement.
    if (gone.signal.aborted) return
    const messages = one.queue.splice(0, limit)
    this.handedOut += messages.length
    send(
      answer,
      200,
      envelope(
        '',
        `<tev:PullMessagesResponse>${this.#times('tev', one)}${messages.join('')}</tev:PullMessagesResponse>`,
      ),
    )
  }

  /** One after the other; what is not taken is posted again. */
  #post(one: Listening): void {
    const posting = (async () => {
      while (one.queue.length > 0 && !this.#stopping.signal.aborted) {
        const messages = one.queue.splice(0)
        const status = await post(one.consumer ?? '', envelope('', `<n:Notify>${messages.join('')}</n:Notify>`))
        if (status < 500) this.handedOut += messages.length
        else one.queue.unshift(...messages)
        if (status >= 500) await new Promise<void>((resolve) => setTimeout(resolve, 50))
      }
    })()
    this.#posting.add(posting)
    posting.finally(() => this.#posting.delete(posting)).catch(() => {})
  }
}

function send(answer: ServerResponse, status: number, body: Buffer): void {
  answer
    .writeHead(status, { 'content-type': 'application/soap+xml; charset=utf-8', 'content-length': body.length })
    .end(body)
}

function play(trick: Trick, answer: ServerResponse, stop: AbortSignal): void {
  if (trick.does === 'silent') return
  if (trick.does === 'send') {
    send(answer, 200, trick.body)
    return
  }
  answer.writeHead(200, { 'content-type': 'application/soap+xml' })
  if (trick.does === 'cut') {
    answer.write('<?xml version="1.0"?><s:Envelope', () => answer.destroy())
    return
  }
  const block = Buffer.alloc(64 * 1024, ' ')
  let left = trick.does === 'large' ? trick.bytes : Number.POSITIVE_INFINITY
  const more = () => {
    while (left > 0 && !stop.aborted && !answer.destroyed) {
      left -= block.length
      if (!answer.write(block)) return
    }
    answer.end()
  }
  answer.on('drain', more)
  more()
}

/** The status; 0: nobody took it. */
export function post(url: string, body: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/soap+xml; charset=utf-8', 'content-length': body.length }
    const posting = request(url, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 500))
    })
    posting.on('error', () => resolve(500))
    posting.end(body)
  })
}
