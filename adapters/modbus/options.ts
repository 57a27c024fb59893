import { z } from 'zod'
import { blockOrFile, duration, port } from '../../config/fields.ts'
import { registerMap } from './register-map.ts'

const timer = (least: '0s' | '1ms' | '10ms' | '100ms') => duration({ least, most: '1h' })

const unit = z
  .strictObject({
    /** 0 is a broadcast, which nobody answers; 255 is what Modbus TCP devices without units call themselves. */
    unit: z.number().int().min(1).max(255),
    map: blockOrFile(registerMap),
    /** The city's sensor whose points these are. */
    sensor: z.string().min(1).nullable().default(null),
    /** Where a map's points are of several sensors: by the point's name. */
    sensors: z.record(z.string().min(1), z.string().min(1)).default({}),
    every: timer('100ms').prefault('1s'),
  })
  .superRefine(({ sensor, sensors, map }, context) => {
    for (const name of Object.keys(sensors)) {
      if (!map.points.some(({ point }) => point === name))
        context.addIssue({ code: 'custom', path: ['sensors', name], message: 'is no point of the map' })
    }
    const homeless = map.points.find((one) => one.sensor === null && sensors[one.point] === undefined)
    if (sensor === null && homeless !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['sensor'],
        message: `is missing; point ${homeless.point} has none of its own`,
      })
  })

const shared = {
  units: z
    .array(unit)
    .min(1)
    .max(255)
    .refine((all) => new Set(all.map((one) => one.unit)).size === all.length, { error: 'a unit is there twice' }),
  /** A unit that has not answered by then is taken for silent; serial lines and radio need more. */
  timeout: timer('10ms').prefault('1s'),
  /** A silent unit is asked again after a pause that doubles up to this. */
  probeAtMost: timer('100ms').prefault('30s'),
  /** The part of the bus's time that waiting for silent units may take while others answer. */
  silentShare: z.number().min(0.01).max(1).default(0.1),
  /** So many polls in a row without an answer are a silence. */
  misses: z.number().int().min(1).max(100).default(2),
  /** Polls that tell something and are not stored yet, of each unit; beyond them the oldest are lost, and counted. */
  held: z.number().int().min(1).max(10_000).default(100),
}

const overTcp = {
  host: z.string().min(1),
  port: port().default(502),
  connectWithin: timer('100ms').prefault('10s'),
}

const tcp = z.strictObject({
  transport: z.literal('tcp'),
  ...overTcp,
  gap: timer('0s').prefault('0s'),
  ...shared,
})

/** RTU's own frames in a TCP connection, as serial servers pass them on. */
const rtuOverTcp = z.strictObject({
  transport: z.literal('rtu-over-tcp'),
  ...overTcp,
  gap: timer('0s').prefault('5ms'),
  ...shared,
})

const serial = z.strictObject({
  transport: z.literal('serial'),
  path: z.string().min(1),
  baudRate: z.number().int().min(300).max(1_000_000).default(9600),
  dataBits: z.union([z.literal(7), z.literal(8)]).default(8),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
  stopBits: z.union([z.literal(1), z.literal(2)]).default(1),
  /** Silence between two requests. The standard asks for 3.5 characters, 4 ms at 9600 baud; many devices need more. */
  gap: timer('0s').prefault('10ms'),
  ...shared,
})

export const modbusOptions = z.discriminatedUnion('transport', [tcp, rtuOverTcp, serial])

export type ModbusOptions = z.output<typeof modbusOptions>
export type UnitOptions = ModbusOptions['units'][number]

export const farEndOf = (options: ModbusOptions): string =>
  options.transport === 'serial' ? options.path : `${options.transport}://${options.host}:${options.port}`
