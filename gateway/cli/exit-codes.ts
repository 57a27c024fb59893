import { GatewayError } from '../errors.ts'

/** As sysexits(3) numbers them. */
export const exitCodes = { done: 0, unbalanced: 1, usage: 64, unavailable: 69, configuration: 78 } as const

/** The exit code that an error which ends the process stands for. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof GatewayError)) return exitCodes.unavailable
  return /^(CONFIG|CITY)_/.test(error.code) ? exitCodes.configuration : exitCodes.unavailable
}
