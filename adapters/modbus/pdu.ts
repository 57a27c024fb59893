import { GatewayError } from '../../gateway/errors.ts'

/** PDUs of the four functions that read (MODBUS Application Protocol 1.1b3, 6.1 to 6.4), both ways. */

/** 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers */
export type ReadFunction = 1 | 2 | 3 | 4

export interface ReadRequest {
  readonly fn: ReadFunction
  /** From 0, as on the wire. */
  readonly address: number
  readonly count: number
}

export const functionCodes = { coil: 1, discrete: 2, holding: 3, input: 4 } as const
export const isBits = (fn: number): boolean => fn === 1 || fn === 2

/** As the specification names them (7, table of exception codes). */
const exceptions: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  5: 'acknowledge',
  6: 'server device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device failed to respond',
}

export const exceptionText = (code: number): string => `exception ${code}: ${exceptions[code] ?? 'not in the standard'}`

/** A gateway's word that the unit behind it is not there, rather than the unit's own. */
export const isAbsence = (code: number): boolean => code === 10 || code === 11

export const dataBytes = ({ fn, count }: ReadRequest): number => (isBits(fn) ? Math.ceil(count / 8) : count * 2)

export function encodeRequest({ fn, address, count }: ReadRequest): Buffer {
  const pdu = Buffer.alloc(5)
  pdu[0] = fn
  pdu.writeUInt16BE(address, 1)
  pdu.writeUInt16BE(count, 3)
  return pdu
}

/** `null`: another function, or too much or too little is asked for; `code` is the exception that says so. */
export function decodeRequest(pdu: Buffer): { readonly request: ReadRequest } | { readonly code: number } {
  const fn = pdu[0]
  if (fn !== 1 && fn !== 2 && fn !== 3 && fn !== 4) return { code: 1 }
  if (pdu.length !== 5) return { code: 3 }
  const request = { fn, address: pdu.readUInt16BE(1), count: pdu.readUInt16BE(3) } as const
  const most = isBits(fn) ? 2000 : 125
  return request.count < 1 || request.count > most ? { code: 3 } : { request }
}

export function encodeAnswer(fn: ReadFunction, data: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([fn, data.length]), data])
}

export const encodeException = (fn: number, code: number): Buffer => Buffer.from([fn | 0x80, code])

/** What is said in answer to a request: its data, or an exception's code. */
export type Said = { readonly data: Buffer; readonly code: null } | { readonly data: null; readonly code: number }

/** Reads the answer to `request` from where `pdu` begins. Throws DECODE_SYNTAX where it cannot be one. */
export function decodeAnswer(request: ReadRequest, pdu: Buffer): { readonly said: Said; readonly length: number } {
  const [fn, second] = pdu
  if (fn === undefined || second === undefined)
    throw new GatewayError('DECODE_SYNTAX', `Modbus answer of ${pdu.length} bytes`)
  if (fn === (request.fn | 0x80)) return { said: { data: null, code: second }, length: 2 }
  if (fn !== request.fn)
    throw new GatewayError('DECODE_SYNTAX', `Modbus answer with function ${fn} to function ${request.fn}`)
  const wanted = dataBytes(request)
  if (second !== wanted || pdu.length < 2 + wanted)
    throw new GatewayError(
      'DECODE_SYNTAX',
      `Modbus answer says ${second} bytes and has ${pdu.length - 2} where ${wanted} were asked for`,
    )
  return { said: { data: pdu.subarray(2, 2 + wanted), code: null }, length: 2 + wanted }
}
