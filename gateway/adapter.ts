import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { ZodType } from 'zod'
import type { Report } from './report.ts'

/**
 * The contract between a protocol and the gateway. An adapter is one listener or one link; the configuration names as
 * many of a kind as the city has. What understands bytes (`decode`) touches no socket; what touches a socket
 * (`Adapter`) understands only what it must to answer the peer.
 */

/** One message as it came off the wire, not yet understood. */
export interface Inbound {
  /**
   * The identity its source gave it: a redelivery carries the same key, another message another. Unique within the
   * adapter's name. How it is made is written beside each adapter.
   */
  readonly key: string
  /** Exactly the bytes received. */
  readonly raw: Uint8Array
  /** What travelled beside the bytes and is needed to read them again (topic, talker, peer). Stored with them. */
  readonly envelope: Readonly<Record<string, string>>
  /**
   * For sources that give no identity, so that the key is made of the content: the same key this much later is another
   * message and takes the key anew. 0: this one is certainly another. Absent: the key is the message's own for good.
   */
  readonly keyHoldsMs?: number
}

/** An `Inbound` as the store gives it back, and as `decode` sees it. */
export interface Received extends Inbound {
  readonly receivedAt: Date
}

/**
 * What became of a message. All four are durable, so all four are acknowledged: `filtered` and `dead-lettered` too have
 * a row that says why.
 */
export type Receipt = 'stored' | 'duplicate' | 'filtered' | 'dead-lettered'

/** The state of a listener or link, for logs, metrics and the operators' page. */
export type Link =
  | { readonly state: 'listening'; readonly at: string }
  | { readonly state: 'connected'; readonly to: string }
  | { readonly state: 'down'; readonly reason: string }
  | { readonly state: 'stopped' }
  /** Another gateway does its work; this one waits for the lease. `heldSince`: an instant of ISO 8601. Only the supervisor says it. */
  | { readonly state: 'elsewhere'; readonly holder: string; readonly heldSince: string }

/** Something on its way to one addressee. `id` is stable over every attempt: a peer that sees it twice ignores it. */
export interface OutboundNotice {
  readonly id: string
  readonly addressee: string
  readonly kind: 'task' | 'notice' | 'parameters'
  /** What the addressee reads; its shape is the core's and the handheld's affair. */
  readonly body: unknown
  readonly expiresAt: Date | null
}

/** `delivered`: the peer acknowledged. `absent`: it is not there now; the notice waits for `arrived`. */
export type Sent = 'delivered' | 'absent'

/** A text on its way to one subscriber: an SMS or an MMS. */
export interface OutboundText {
  /** The notice's id; parts and references are made of it, so that a restart makes the same ones. */
  readonly id: string
  /** `tel:+8613800138000` */
  readonly to: string
  /** Digits that follow the account's own number, so that an answer finds its way; `null`: none. */
  readonly extension: string | null
  /** An MMS's subject line. */
  readonly title: string | null
  readonly text: string
  readonly attachments: readonly { readonly name: string; readonly mediaType: string; readonly content: Uint8Array }[]
  /** The centre gives up then; `null`: its own default. */
  readonly validUntil: Date | null
}

/**
 * What became of one part that was handed in. `accepted`: the centre has it, under its id. `rejected`: for good.
 * `later`: it took nothing (throttled, queue full, not bound) and may be asked again after this long.
 */
export type Submitted =
  | { readonly outcome: 'accepted'; readonly messageId: string }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'later'; readonly reason: string; readonly afterMs: number }

/**
 * How texts leave by an adapter. A part is submitted once: it is written down as being sent before `submit` is called,
 * and when `submit` rejects nobody knows whether it left; it is then in doubt and never submitted again by itself.
 */
export interface TextSender {
  /** Adapters of one account share its message ids and receipts. */
  readonly account: string
  /** Parts a second that the account allows; 0: no limit. */
  readonly perSecond: number
  /** Parts that may be without an answer at a time. */
  readonly window: number
  /** Whether there is a link now; nothing is claimed for it otherwise. `arrived('')` says that there is one again. */
  readonly ready: boolean
  /** `sms` carries text alone. */
  readonly medium: 'sms' | 'mms'
  /** Splits a text. Pure, and the same for the same text: parts that were accepted before a restart are not sent again. */
  parts(text: OutboundText): readonly unknown[]
  /** What a part is numbered with, where receipts give that back (user_message_reference); `null`: nothing. */
  reference?(part: unknown): number | null
  /** One of `parts`. */
  submit(part: unknown): Promise<Submitted>
}

/** Work that a message leads to and that outlives a restart: an MMS that was announced, a picture of an alarm. */
export interface Errand {
  /** Of a picture, its incident's too: the `occurrence` of an alarm that brings the picture may say it. */
  readonly id: string
  /** Who sent the datagram, or what the alarm is of. */
  readonly subject: string
  /** A datagram's bytes, or an alarm's `snapshot`. */
  readonly content: Uint8Array
  readonly receivedAt: Date
  /** 1 at first. */
  readonly attempt: number
}

export interface Adapter {
  /** Opens sockets. Called again after it rejected, or after `down`, on the same object. */
  start(): Promise<void>
  /**
   * Refuses new work and waits for accepts under way. Idempotent; safe before `start` and when the far end is gone. Only
   * exclusive ones look at `atOnce`: when it aborts, or has, the far end is left within a second and a half, whatever is under way:
   * another gateway goes there next.
   */
  stop(atOnce?: AbortSignal): Promise<void>
  /** Only adapters that can reach somebody have it. Rejects when the outcome is unknown; it is called again later. */
  send?(notice: OutboundNotice): Promise<Sent>
  /** Only adapters that reach subscribers by text have it. */
  readonly texts?: TextSender
  /**
   * Only adapters whose kind takes `ports`, or whose alarms have snapshots. Resolves when all it led to is accepted; rejects: it is tried again after a
   * back-off, except with a `DECODE_` code, which makes it dead. Called before `start` and after `stop`, too, on any
   * gateway; of an exclusive kind where its lease is held alone.
   */
  perform?(errand: Errand): Promise<void>
  /**
   * Only adapters whose far end keeps records and can be asked for them. Accepts again what it has of that time:
   * what is known already is a duplicate. Rejects when it cannot be asked now.
   */
  recall?(from: Date, to: Date): Promise<void>
  /** Beside `recall`: the exchange whose calls it brings. */
  readonly exchange?: string
}

export interface AdapterContext {
  /** The adapter's name in the configuration. */
  readonly name: string
  /** Resolves when durable: only then may the peer be acknowledged. Rejects when nothing was stored: refuse the peer. */
  accept(message: Inbound): Promise<Receipt>
  /** `down` makes the supervisor call `stop` and, after a back-off, `start`. Adapters never retry by themselves. */
  report(link: Link): void
  /** An addressee can be reached from now on (it subscribed, it bound): waiting notices are sent. */
  arrived(addressee: string): void
  /** Counts, and logs at `warn`, somebody or something turned away before it was a message; of a crowd, the first ones. */
  refused(reason: string, fields: Record<string, unknown>): void
  /** A scope of its own under `/ingest/<name>`; its `server` is the gateway's HTTP server. */
  readonly http: FastifyInstance
  readonly log: Logger
}

/** A port that an adapter will listen on. */
export interface Listener {
  readonly transport: 'tcp' | 'udp'
  readonly host: string
  /** 0: the system chooses. */
  readonly port: number
  /** Where the adapter's block of the configuration says so: `['tls', 'port']`. */
  readonly path: readonly string[]
}

/** Words of a command line after the command's name. */
export interface CommandWords {
  readonly values: Readonly<Record<string, string | undefined>>
  readonly positionals: readonly string[]
}

/** A command that a protocol adds to the command line. It needs no configuration and no running gateway. */
export interface AdapterCommand {
  /** `credential <name> [--role device|bridge]`: the command's name, then its words. */
  readonly synopsis: string
  readonly summary: string
  /** Names of its `--options`; each takes a text. */
  readonly options: readonly string[]
  /** Pure but for chance. `null` when the words are not as the synopsis says: a usage error. */
  run(words: CommandWords): { readonly output: string; readonly remark: string } | null
}

/** A protocol as the gateway knows it: one line in `adapter-kinds.ts`. */
export interface AdapterKind<Options = unknown> {
  /** As the configuration writes it: `kind: mqtt-broker`. */
  readonly kind: string
  /** The channel that messages, intents and the ledger are counted under: `mqtt`, `nmea`. */
  readonly channel: string
  /** Checks and completes the adapter's block of the configuration; unknown keys are errors. */
  readonly options: ZodType<Options>
  /** What these options listen on, so that two listeners on one port are found before a socket opens. */
  listeners?(options: Options): readonly Listener[]
  /**
   * Pure. Throws a `GatewayError` with a `DECODE_` code when the bytes make no sense as a whole. Also reads what was
   * stored long ago (replay, explain), so it depends on nothing but its arguments.
   */
  decode(message: Received, options: Options): Report[]
  /**
   * Adapters that name one scope share their keys: what was stored on one is a redelivery on the other. `null`, and where
   * the kind does not say: each adapter's keys are its own.
   */
  keyScope?(options: Options): string | null
  /**
   * Whether these options are work that one gateway of several does at a time: a bind, a poll, a subscription. It is
   * started by the gateway that holds its lease, and stopped when that is lost. Where the kind does not say: every gateway.
   */
  exclusive?(options: Options): boolean
  /** Application ports (WDP) whose datagrams are this adapter's errands, on whatever channel they come. */
  ports?(options: Options): readonly number[]
  /** What an operator needs beside a running gateway: making credentials and the like. */
  readonly commands?: readonly AdapterCommand[]
  /** Called once at start; opens nothing yet. */
  create(options: Options, context: AdapterContext): Adapter
}
