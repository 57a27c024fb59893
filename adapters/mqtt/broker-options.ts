import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import { byteSize, duration, file, path, port, secret } from '../../config/fields.ts'
import type { Listener } from '../../gateway/adapter.ts'
import { describe } from '../../gateway/errors.ts'
import { credentialProblems } from './credentials.ts'
import { isDeviceName, notDeviceName } from './topics.ts'

const host = z.string().min(1).default('127.0.0.1')
const role = z.enum(['device', 'bridge']).default('device')

const tlsListener = z
  .strictObject({
    host,
    port: port().default(8883),
    /** PEM files. */
    cert: file(),
    key: file(),
    /** Whose client certificates are believed. */
    ca: file().optional(),
    /** Certificates that are no longer believed. */
    crl: file().optional(),
    clientCertificates: z.enum(['none', 'accepted', 'required']).default('none'),
  })
  .superRefine((tls, context) => {
    try {
      if (context.issues.length === 0) createSecureContext(tlsFiles(tls))
    } catch (error) {
      context.addIssue({ code: 'custom', message: `certificate or key cannot be used: ${describe(error)}` })
    }
    if (tls.clientCertificates !== 'none' && tls.ca === undefined) {
      context.addIssue({ code: 'custom', path: ['ca'], message: 'must be given where client certificates are taken' })
    }
  })

export function tlsFiles(tls: { cert: string; key: string; ca?: string | undefined; crl?: string | undefined }) {
  return {
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
    ...(tls.ca === undefined ? {} : { ca: readFileSync(tls.ca) }),
    ...(tls.crl === undefined ? {} : { crl: readFileSync(tls.crl) }),
  }
}

const limits = z.strictObject({
  /** Connections over all listeners; one more is closed at once. */
  connections: z.number().int().min(1).default(20_000),
  /** From the first byte of a socket to its CONNECT. */
  connectTimeout: duration().prefault('10s'),
  /** A larger payload becomes a dead letter of which the first 64 KiB are kept. */
  payload: byteSize().prefault('8MiB'),
  /** A larger frame is not even read: its connection is closed. */
  frame: byteSize().prefault('16MiB'),
  /** What one client leaves unread, beside one message of any size; above it the connection is closed. */
  unread: byteSize().prefault('4MiB'),
  /** An array of more elements becomes a dead letter. */
  elements: z.number().int().min(1).default(10_000),
  /** Publishes of one client that are not stored yet; it is closed above. */
  inFlight: z.number().int().min(1).default(10_000),
})

/** `kind: mqtt-broker`: the gateway is the broker. Every listener but TCP on loopback is off until it is asked for. */
export const brokerOptions = z
  .strictObject({
    tcp: z.union([z.literal('off'), z.strictObject({ host, port: port().default(1883) })]).prefault({}),
    tls: z.union([z.literal('off'), tlsListener]).default('off'),
    /** On the gateway's HTTP port. */
    webSocket: z
      .union([z.literal('off'), z.strictObject({ path: z.string().startsWith('/').default('/mqtt') })])
      .prefault({}),
    /** A credentials file; docs/devices.md says how a line is made. */
    credentials: path().optional(),
    /** Devices with their tokens in the configuration itself: for trials and small sites. */
    devices: z
      .array(z.strictObject({ name: z.string().refine(isDeviceName, notDeviceName), password: secret(), role }))
      .default([]),
    /** `loopback`: a client of this machine without credentials is the device its user name or client id says. */
    anonymous: z.enum(['refused', 'loopback']).default('refused'),
    limits: limits.prefault({}),
    /** How long a device may take to acknowledge a notice. */
    ackTimeout: duration().prefault('10s'),
    ownTracksSubject: z.enum(['user', 'user-device']).default('user'),
  })
  .superRefine((options, context) => {
    if (options.credentials !== undefined) {
      for (const message of credentialProblems(options.credentials)) {
        context.addIssue({ code: 'custom', path: ['credentials'], message })
      }
    }
    if (!letsAnybodyIn(options)) {
      context.addIssue({
        code: 'custom',
        path: ['credentials'],
        message:
          'nobody could ever connect: give a credentials file, devices with their passwords, client certificates ' +
          '(tls.clientCertificates), or anonymous: loopback for clients of this machine',
      })
    }
    if (options.limits.frame < options.limits.payload) {
      context.addIssue({ code: 'custom', path: ['limits', 'frame'], message: 'must be at least limits.payload' })
    }
  })

interface WaysIn {
  readonly credentials?: string | undefined
  readonly devices: readonly unknown[]
  readonly anonymous: 'refused' | 'loopback'
  readonly tls: 'off' | { readonly clientCertificates: 'none' | 'accepted' | 'required' }
}

/** A credentials file may be empty: devices are added to it while the gateway runs. */
function letsAnybodyIn({ credentials, devices, anonymous, tls }: WaysIn): boolean {
  const certified = tls !== 'off' && tls.clientCertificates !== 'none'
  return credentials !== undefined || devices.length > 0 || anonymous === 'loopback' || certified
}

/** WebSocket is on the gateway's HTTP port, which is checked with it. */
export function brokerListeners({ tcp, tls }: BrokerOptions): Listener[] {
  return [
    ...(tcp === 'off' ? [] : [{ transport: 'tcp' as const, host: tcp.host, port: tcp.port, path: ['tcp', 'port'] }]),
    ...(tls === 'off' ? [] : [{ transport: 'tcp' as const, host: tls.host, port: tls.port, path: ['tls', 'port'] }]),
  ]
}

export type BrokerOptions = z.output<typeof brokerOptions>
