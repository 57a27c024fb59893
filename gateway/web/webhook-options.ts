import { z } from 'zod'
import {
  byteSize,
  duration,
  network,
  type Secret,
  type SigningSecret,
  secret,
  signingSecret,
} from '../../config/fields.ts'

/**
 * What every block has whose peers post to /ingest/<name>: `z.strictObject({ ...webhookFields, … })`. With several proofs
 * configured each of them is asked for.
 */
export const webhookFields = {
  /** Addresses that requests may come from; empty: any. Behind a proxy this is the proxy's. */
  sources: z.array(network()).default([]),
  /** HTTP Basic. */
  username: z.string().min(1).max(100).nullable().default(null),
  password: secret().nullable().default(null),
  /** `Authorization: Bearer …`, `X-Api-Key: …`, or `?key=…` for devices that can be given an address and nothing else. */
  key: secret().nullable().default(null),
  /** Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature. */
  signingSecret: signingSecret().nullable().default(null),
  /** A signed request that is older, or newer, is a replay. */
  replayWindow: duration({ least: '1s', most: '1d' }).prefault('5m'),
  /** The longest request. */
  maxSize: byteSize().prefault('1MiB'),
  /** A request that is not there whole by then is given up: half-sent ones must not shut the door for the others. */
  bodyWithin: duration({ least: '100ms', most: '1m' }).prefault('15s'),
  /** Requests that are read or stored at a time; one more is asked to wait. */
  maxRequests: z.number().int().min(1).max(10_000).default(256),
} as const

export interface WebhookOptions {
  readonly sources: readonly string[]
  readonly username: string | null
  readonly password: Secret | null
  readonly key: Secret | null
  readonly signingSecret: SigningSecret | null
  readonly replayWindow: number
  readonly maxSize: number
  readonly bodyWithin: number
  readonly maxRequests: number
}

/**
 * What is wrong with the proof that a block asks for; `null`: nothing. `exposed`: others than this machine reach it. Of a
 * block without such fields nothing is wrong.
 */
export function proofProblem(
  options: unknown,
  exposed: boolean,
): { readonly key: string; readonly message: string } | null {
  if (typeof options !== 'object' || options === null || !('signingSecret' in options) || !('sources' in options))
    return null
  const { username, password, key, signingSecret, sources } = options as WebhookOptions
  if ((username === null) !== (password === null))
    return { key: username === null ? 'password' : 'username', message: 'username and password are given together' }
  const proven = username !== null || key !== null || signingSecret !== null || sources.length > 0
  const message = 'anybody could post: give sources, username and password, key or signingSecret'
  return proven || !exposed ? null : { key: 'name', message }
}
