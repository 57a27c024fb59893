import { z } from 'zod'
import { duration, port, secret } from '../../config/fields.ts'
import { address, limitsShape, messageShape, sessionShape, systemId, tlsFiles } from './session-options.ts'

/** `kind: smpp-esme`: one bind to a message centre or an aggregator. As many blocks as there are binds. */
export const esmeOptions = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: port().default(2775),
  /** `none`, or SMPP over TLS. `servername`: the name its certificate must have, where that is not `host`. */
  tls: z
    .union([z.literal('none'), z.strictObject({ ...tlsFiles, servername: z.string().min(1).optional() })])
    .default('none'),
  systemId: systemId(),
  /** 5.2.2 allows 8 letters; many centres take more. */
  password: secret().optional(),
  systemType: z
    .string()
    .regex(/^[\x20-\x7e]{0,12}$/, 'must be at most 12 ASCII letters')
    .default(''),
  interfaceVersion: z.number().int().min(0x33).max(0x50).default(0x34),
  /** Which numbers' messages the centre is to deliver here (5.2.7); most know by the systemId. */
  addressRange: z
    .strictObject({
      ton: z.number().int().min(0).max(255).default(0),
      npi: z.number().int().min(0).max(255).default(0),
      range: z.string().regex(/^[\x20-\x7e]{0,40}$/, 'must be at most 40 ASCII letters'),
    })
    .prefault({ range: '' }),
  bind: z.enum(['transceiver', 'transmitter', 'receiver']).default('transceiver'),
  /** The number that texts come from; an extension is appended to it. */
  source: address.prefault({ number: '' }),
  /** How long connecting and binding may take, each. */
  bindTimeout: duration({ least: '100ms' }).prefault('10s'),
  ...messageShape,
  ...sessionShape,
  limits: z.strictObject(limitsShape).prefault({}),
})

export type EsmeOptions = z.output<typeof esmeOptions>
