import { type Logger, pino } from 'pino'
import type { Configuration } from '../../config/schema.ts'

/**
 * The process's log: JSON lines on standard output. Payloads stand at `trace` alone; above it, subscribers' numbers and
 * texts are masked wherever a field of that name is logged.
 */
export function createLog({ name, log }: Pick<Configuration, 'name' | 'log'>): Logger {
  return pino({
    level: log.level,
    base: { gateway: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(log.payloads === 'masked' && { redact: { paths: masked, censor: mask } }),
  })
}

const sensitive = ['phone', 'msisdn', 'text', 'payload', 'password', 'authorization', 'address']
const masked = sensitive.flatMap((field) => [field, `*.${field}`])

/** Keeps enough of a number to tell two apart, and nothing of a text but its length. */
export function mask(value: unknown): string {
  const text = String(value)
  return /^\+?\d{7,15}$/.test(text) ? `${text.slice(0, 3)}****${text.slice(-2)}` : `[${text.length} characters]`
}
