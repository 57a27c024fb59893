import { z } from 'zod'
import { duration } from '../../config/fields.ts'
import type { PointLimits } from '../../gateway/report.ts'
import { functionCodes, isBits, type ReadFunction } from './pdu.ts'
import { valueTypes, wordOrders, wordsOf } from './words.ts'

/** A register map as an operator writes it: data of a device's manual, in a file that many units may share. */

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
  error: 'must be letters, digits, dots, dashes and underscores, at most 63',
})

const alarm = z
  .strictObject({
    event: name,
    above: z.number().optional(),
    below: z.number().optional(),
    hysteresis: z.number().min(0).default(0),
    after: duration({ most: '1d' }).prefault('0s'),
  })
  .transform(({ event, above, below, hysteresis, after }, context) => {
    if ((above === undefined) === (below === undefined))
      context.addIssue({ code: 'custom', message: 'needs either above or below' })
    const when = above === undefined ? ('below' as const) : ('above' as const)
    return { event, when, at: above ?? below ?? 0, hysteresis, afterS: after / 1000 }
  })

const point = z
  .strictObject({
    point: name,
    /** The city's sensor it belongs to; without it the unit's. */
    sensor: z.string().min(1).nullable().default(null),
    function: z.enum(['coil', 'discrete', 'holding', 'input']),
    /** From 0, as on the wire: what manuals call 40001 is address 0 of `holding`. */
    address: z.number().int().min(0).max(65_535),
    type: z.enum(valueTypes).optional(),
    order: z.enum(wordOrders).default('abcd'),
    /** Of a register of type `bit`, from the least significant. */
    bit: z.number().int().min(0).max(15).default(0),
    scale: z.number().default(1),
    offset: z.number().default(0),
    unit: z.string().max(20).default(''),
    /** Values, unscaled, by which the device says that it has none. */
    none: z.array(z.number()).default([]),
    /** A smaller change is not told. */
    deadband: z.number().min(0).default(0),
    range: z
      .strictObject({ low: z.number(), high: z.number() })
      .refine(({ low, high }) => low < high, { path: ['high'], error: 'must be above low' })
      .nullable()
      .default(null),
    alarms: z.array(alarm).max(16).default([]),
    ratePerMinute: z.number().positive().nullable().default(null),
    stuckAfter: duration({ least: '1s', most: '30d' }).nullable().default(null),
    /** Without a good value for so long the point is an alarm. */
    silentAfter: duration({ least: '1s', most: '30d' }).prefault('5m'),
  })
  .transform(
    ({ function: table, type: given, range, alarms, ratePerMinute, stuckAfter, silentAfter, ...rest }, context) => {
      const fn: ReadFunction = functionCodes[table]
      const type = given ?? (isBits(fn) ? 'bit' : 'u16')
      if (isBits(fn) && type !== 'bit')
        context.addIssue({ code: 'custom', path: ['type'], message: `a ${table} is a bit` })
      const end = rest.address + (isBits(fn) ? 1 : wordsOf(type))
      if (end > 65_536) context.addIssue({ code: 'custom', path: ['address'], message: 'the value ends beyond 65535' })
      if (new Set(alarms.map(({ event }) => event)).size < alarms.length)
        context.addIssue({ code: 'custom', path: ['alarms'], message: 'two alarms have one event' })
      const seconds = (ms: number | null) => (ms === null ? null : ms / 1000)
      const limits: PointLimits = {
        ...{ range, alarms, perMinute: ratePerMinute },
        ...{ stuckAfterS: seconds(stuckAfter), silentAfterS: seconds(silentAfter) },
      }
      return { ...rest, fn, type, limits }
    },
  )

export const registerMap = z.strictObject({
  /** Registers in one request; some devices answer fewer than the standard's 125. */
  most: z.number().int().min(1).max(125).default(125),
  /** Unused registers that are read along rather than asked around. 0 for devices that refuse what they do not have. */
  gap: z.number().int().min(0).max(120).default(8),
  /** A point whose values stay the same is told after so long all the same. */
  keepEvery: duration({ least: '1s', most: '1d' }).prefault('60s'),
  points: z
    .array(point)
    .min(1)
    .refine((all) => new Set(all.map((one) => `${one.sensor}\n${one.point}`)).size === all.length, {
      error: 'two points of a sensor have one name',
    }),
})

export type RegisterMap = z.output<typeof registerMap>
export type Point = RegisterMap['points'][number]
