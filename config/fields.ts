import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Building blocks of configuration, for the gateway's own schema and for every adapter's options. */

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A duration as `250ms`, `30s`, `5m`, `12h` or `7d`; milliseconds in code. */
export function duration(): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
    if (match === null) {
      context.addIssue({
        code: 'custom',
        message: `must be a duration such as 30s, 5m or 12h, not ${JSON.stringify(text)}`,
      })
      return z.NEVER
    }
    return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  })
}

/** A size as `512KiB` or `8MiB`; bytes in code. */
export function byteSize(): z.ZodType<number, string> {
  return z.string().transform((text, context) => {
    const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text.trim())
    if (match === null) {
      context.addIssue({ code: 'custom', message: `must be a size such as 64KiB or 8MiB, not ${JSON.stringify(text)}` })
      return z.NEVER
    }
    return Number(match[1]) * { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[match[2] as 'B']
  })
}

/** 0 lets the system choose: legal everywhere, and what tests use. */
export const port = (): z.ZodType<number, number> => z.number().int().min(0).max(65_535)

/** A value that never shows itself: printed, logged or serialised it is `[secret]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** A secret written as it is, or as `{ env: NAME }`, or as `{ file: path }` (its trailing newline dropped). */
export function secret(): z.ZodType<Secret, string | { env: string } | { file: string }> {
  return z
    .union([z.string().min(1), z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })])
    .transform((source, context) => {
      if (typeof source === 'string') return new Secret(source)
      if ('env' in source) {
        const value = process.env[source.env]
        if (value) return new Secret(value)
        context.addIssue({ code: 'custom', message: `the environment variable ${source.env} is not set` })
        return z.NEVER
      }
      try {
        return new Secret(readFileSync(source.file, 'utf8').replace(/\r?\n$/, ''))
      } catch (error) {
        context.addIssue({
          code: 'custom',
          message: `the file ${source.file} cannot be read: ${(error as Error).message}`,
        })
        return z.NEVER
      }
    })
}
