import { z } from 'zod'
import { duration, port, secret } from '../../config/fields.ts'
import { address, limitsShape, messageShape, sessionShape, systemId, tlsFiles } from './session-options.ts'

/** A far end that may bind. */
const peer = z.strictObject({
  systemId: systemId(),
  password: secret(),
  /** Sessions it may have at a time. */
  binds: z.number().int().min(1).max(100).default(4),
  /** Messages a second that are taken of it, and as many at once; beyond them it is answered ESME_RTHROTTLED. 0: no limit. */
  perSecond: z.number().min(0).default(500),
  /** Whether texts to subscribers are handed to it when it is bound as a receiver or transceiver. */
  texts: z.enum(['yes', 'no']).default('yes'),
})

/** `kind: smpp-smsc`: the gateway's own port, where converters, MAS boxes and test clients bind. */
export const smscOptions = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    /** smpp in IANA's list. */
    port: port().default(2775),
    /** `none`, or SMPP over TLS alone on this port. */
    tls: z
      .union([
        z.literal('none'),
        z.strictObject({
          ...tlsFiles,
          cert: tlsFiles.cert.unwrap(),
          key: tlsFiles.key.unwrap(),
          clientCertificates: z.enum(['none', 'required']).default('none'),
        }),
      ])
      .default('none'),
    /** What the gateway calls itself in its bind responses. */
    systemId: systemId().default('chengguan'),
    peers: z.array(peer).min(1),
    /** The number that texts come from; an extension is appended to it. */
    source: address.prefault({ number: '' }),
    ...messageShape,
    ...sessionShape,
    limits: z
      .strictObject({
        ...limitsShape,
        connections: z.number().int().min(1).default(100),
        /** Who has not bound by then is let go. */
        helloWithin: duration({ least: '100ms' }).prefault('10s'),
        /** How long a refused bind waits for its answer, right password or wrong name alike. */
        refusalDelay: duration().prefault('1s'),
      })
      .prefault({}),
  })
  .superRefine(({ peers }, context) => {
    peers.forEach(({ systemId }, i) => {
      if (peers.findIndex((one) => one.systemId === systemId) !== i)
        context.addIssue({ code: 'custom', path: ['peers', i, 'systemId'], message: `${systemId} stands twice` })
    })
  })

export type SmscOptions = z.output<typeof smscOptions>
export type PeerOptions = SmscOptions['peers'][number]
