import { z } from 'zod'
import type { IntentPurpose, Urgency } from '../gateway/case-intent.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { eventTypes } from '../gateway/relay/cloud-event.ts'
import { defaultLimits } from '../gateway/triage/limits.ts'
import { hoursOf } from '../gateway/triage/local-time.ts'
import { byteSize, directory, duration, path, port, type Secret, secret, signingSecret } from './fields.ts'

/** The whole configuration. Keys as an operator writes them; durations get their unit into their name in code. */

const count = (most: number) => z.number().int().min(1).max(most)

const nameOf = (what: string) =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
    error: `is no name of ${what}: letters, digits, dots, dashes and underscores, at most 63`,
  })

const database = z.strictObject({
  /** Absent: the embedded PostgreSQL in `data`. */
  url: secret()
    .refine((url) => /^postgres(ql)?:\/\//.test(url.reveal()) && URL.canParse(url.reveal()), {
      error: 'must be a URL that begins with postgresql://',
    })
    .nullable()
    .default(null),
  poolSize: count(200).default(8),
  /** `unnamed` behind a pooler that lends one session to many, such as pgbouncer in transaction mode. */
  statements: z.enum(['named', 'unnamed']).default('named'),
})

const http = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: port().default(8080),
  /** May be absent on loopback only. */
  apiToken: secret().nullable().default(null),
})

const log = z.strictObject({
  level: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
  payloads: z.enum(['masked', 'shown']).default('masked'),
})

const intake = z
  .strictObject({
    batch: count(10_000).default(400),
    batchBytes: byteSize().prefault('16MiB'),
    maxWaiting: count(1_000_000).default(20_000),
    maxWaitingBytes: byteSize().prefault('256MiB'),
    partsWithin: duration({ least: '100ms', most: '7d' }).prefault('10m'),
  })
  .transform(({ partsWithin, ...rest }) => ({ ...rest, partsWithinMs: partsWithin }))

const metres = z.number().positive()

const triage = z
  .strictObject({
    maxSpeedKmh: z.number().positive().default(defaultLimits.maxSpeedKmh),
    jumpFixes: count(100).default(defaultLimits.jumpFixes),
    future: duration().default(defaultLimits.futureMs),
    oldest: duration().default(defaultLimits.oldestMs),
    oldestForm: duration().default(defaultLimits.oldestFormMs),
    staleFix: duration().default(defaultLimits.staleFixMs),
    worstAccuracyM: metres.default(defaultLimits.worstAccuracyM),
    gridClaimM: metres.default(defaultLimits.gridClaimM),
    widestM: metres.default(defaultLimits.widestM),
    rememberedFixes: count(1000).default(defaultLimits.rememberedFixes),
    ruleGap: duration().default(defaultLimits.ruleGapMs),
  })
  .transform(({ future, oldest, oldestForm, staleFix, ruleGap, ...rest }) => ({
    ...rest,
    futureMs: future,
    oldestMs: oldest,
    oldestFormMs: oldestForm,
    staleFixMs: staleFix,
    ruleGapMs: ruleGap,
  }))

const kept = () => duration({ least: '1m' })

const retention = z
  .strictObject({
    messages: kept().prefault('30d'),
    positions: kept().prefault('90d'),
    settled: kept().prefault('30d'),
    keys: kept().prefault('14d'),
    reporters: kept().prefault('730d'),
    incidents: kept().prefault('7d'),
    calls: kept().prefault('730d'),
  })
  .transform(({ messages, positions, settled, keys, reporters, incidents, calls }) => ({
    messagesMs: messages,
    positionsMs: positions,
    settledMs: settled,
    keysMs: keys,
    reportersMs: reporters,
    incidentsMs: incidents,
    callsMs: calls,
  }))

// Node's timers take at most 24.8 days and fire at once above: what becomes a timer is kept well below.
const timer = () => duration({ least: '1ms', most: '1d' })

const backoff = z
  .strictObject({ first: timer().prefault('1s'), most: timer().prefault('5m') })
  .transform(({ first, most }) => ({ firstMs: first, mostMs: most }))
  .refine(({ firstMs, mostMs }) => firstMs <= mostMs, {
    path: ['most'],
    error: 'must not be less than first (most is 5m when absent)',
  })

const purpose = z.enum({
  report: 'report',
  'component-state': 'component-state',
  sos: 'sos',
  inspection: 'inspection',
  'vehicle-rule': 'vehicle-rule',
  alarm: 'alarm',
} as const satisfies { [Each in IntentPurpose]: Each })

const urgency = z.enum({ normal: 'normal', urgent: 'urgent', emergency: 'emergency' } as const satisfies {
  [Each in Urgency]: Each
})

const destination = z
  .strictObject({
    name: nameOf('a destination'),
    url: z.string().superRefine((text, context) => {
      const message = urlProblem(text)
      if (message !== null) context.addIssue({ code: 'custom', message })
    }),
    secret: signingSecret(),
    types: z.array(z.enum(eventTypes)).min(1).default(['case-intent', 'delivery', 'answer', 'incident']),
    districts: z.array(z.string().min(1)).default([]),
    purposes: z.array(purpose).default([]),
    urgencies: z.array(urgency).default([]),
    batch: count(10_000).default(100),
    /** 0 sets no limit. */
    perSecond: z.number().min(0).default(500),
    timeout: timer().prefault('30s'),
    backoff: backoff.prefault({}),
    concurrency: count(64).default(1),
  })
  .transform(({ types, districts, purposes, urgencies, timeout, ...rest }) => ({
    ...rest,
    timeoutMs: timeout,
    filter: { types, districts, purposes, urgencies },
  }))

// The URL itself is not repeated: a mistaken one may hold a password.
function urlProblem(text: string): string | null {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    return 'must be a URL that begins with https:// or http://'
  const { username, password } = new URL(text)
  if (username !== '' || password !== '')
    return 'must not carry a user or password: requests are signed with the secret'
  return null
}

const way = z
  .strictObject({
    by: z.enum(['device', 'text']),
    /** Only by this adapter. */
    adapter: z.string().min(1).nullable().default(null),
    /** Only by adapters of this kind. */
    kind: z.string().min(1).nullable().default(null),
    /** Without delivery for so long the next way is tried. */
    after: duration({ least: '1s', most: '30d' }).nullable().default(null),
  })
  .transform(({ after, ...rest }) => ({ ...rest, afterMs: after }))

const ways = (...usual: z.input<typeof way>[]) => z.array(way).min(1).prefault(usual)

const notices = z
  .strictObject({
    /** When citizens are not written to, in the city's time zone. */
    quietHours: z
      .string()
      .default('21:00-08:00')
      .transform((text, context) => {
        const hours = text === 'off' ? null : hoursOf(text)
        if (text === 'off' || hours !== null) return hours
        context.addIssue({
          code: 'custom',
          message: `must be hours such as 21:00-08:00, or off, not ${JSON.stringify(text)}`,
        })
        return z.NEVER
      }),
    /** 0 sets no limit. */
    dailyCap: z.number().int().min(0).default(10),
    country: z
      .string()
      .regex(/^[1-9][0-9]{0,2}$/, 'must be a country code in quotes, such as "86"')
      .default('86'),
    expires: z
      .strictObject({
        citizen: kept().prefault('3d'),
        collector: kept().prefault('1d'),
        department: kept().prefault('1d'),
      })
      .prefault({}),
    routes: z
      .strictObject({
        citizen: ways({ by: 'text' }),
        collector: ways({ by: 'device', after: '10m' }, { by: 'text' }),
        department: ways({ by: 'text' }),
      })
      .prefault({}),
  })
  .transform(({ expires, ...rest }) => ({ ...rest, expiresMs: expires }))

const incidents = z
  .strictObject({
    storm: z
      .strictObject({
        incidents: count(10_000).min(2).default(20),
        within: duration({ least: '10s', most: '1d' }).prefault('10m'),
      })
      .transform(({ within, ...rest }) => ({ ...rest, withinMs: within }))
      .prefault({}),
  })
  .prefault({})

const calls = z
  .strictObject({
    settleAfter: duration({ least: '1s', most: '1h' }).prefault('30s'),
    giveUpAfter: duration({ least: '1m', most: '7d' }).prefault('6h'),
    recallEvery: duration({ least: '10s', most: '1d' }).prefault('15m'),
    recallWindow: duration({ least: '1m', most: '7d' }).prefault('1h'),
  })
  .transform(({ settleAfter, giveUpAfter, recallEvery, recallWindow }) => ({
    settleAfterMs: settleAfter,
    giveUpAfterMs: giveUpAfter,
    recallEveryMs: recallEvery,
    windowMs: recallWindow,
  }))
  .refine(({ settleAfterMs, giveUpAfterMs }) => settleAfterMs < giveUpAfterMs, {
    path: ['giveUpAfter'],
    error: 'must be more than settleAfter',
  })
  .refine(({ recallEveryMs, windowMs }) => recallEveryMs <= windowMs, {
    path: ['recallWindow'],
    error: 'must not be less than recallEvery, or what lies between is never asked for',
  })

/** `options` are checked by the kind's own schema, so whatever else stands in the block passes here. */
const adapter = z.looseObject({ name: nameOf('an adapter'), kind: z.string().min(1) })

export const configurationSchema = z
  .strictObject({
    name: nameOf('a gateway').default('gateway'),
    data: path().prefault('./data'),
    city: directory().default(`${packageRoot}config/city-example`),
    database: database.prefault({}),
    http: http.prefault({}),
    log: log.prefault({}),
    intake: intake.prefault({}),
    triage: triage.prefault({}),
    retention: retention.prefault({}),
    notices: notices.prefault({}),
    incidents,
    calls: calls.prefault({}),
    drain: timer().prefault('10s'),
    adapters: z.array(adapter),
    destinations: z.array(destination),
  })
  .transform(({ drain, ...rest }) => ({ ...rest, drainMs: drain }))

type Frozen<T> = T extends Secret | Uint8Array
  ? T
  : T extends readonly (infer Each)[]
    ? readonly Frozen<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Frozen<T[Key]> }
      : T

/** One listener or link. */
export interface AdapterConfiguration {
  readonly name: string
  readonly kind: string
  /** What the kind's `options` schema made of the block. */
  readonly options: unknown
}

type Parsed = Frozen<z.output<typeof configurationSchema>>

/** A core, or whatever takes events. */
export type DestinationConfiguration = Parsed['destinations'][number]

/** What the gateway runs with: complete, checked, frozen. */
export type Configuration = Omit<Parsed, 'adapters'> & { readonly adapters: readonly AdapterConfiguration[] }
