import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { parsedNetwork } from '../gateway/web/networks.ts'
import { parseYaml, type YamlText } from './document.ts'
import { pathText, wording } from './problems.ts'

/** Building blocks of configuration, for the gateway's own schema and for every adapter's options. */

let folder = process.cwd()

/**
 * Runs `read` with relative paths beginning at `from`. zod hands no context to a transform, and reading a configuration
 * is synchronous, so this is set around it.
 */
export function readingFrom<T>(from: string, read: () => T): T {
  const before = folder
  folder = from
  try {
    return read()
  } finally {
    folder = before
  }
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Duration = `${number}${keyof typeof unitMs}`

function milliseconds(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  return match === null ? null : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
}

/** A duration as `250ms`, `30s`, `5m`, `12h` or `7d`, within `least` and `most`; milliseconds in code. */
export function duration(limits: { least?: Duration; most?: Duration } = {}): z.ZodType<number, string> {
  const shape = 'must be a duration such as 30s, 5m or 12h'
  return z.string({ error: (issue) => (issue.input === undefined ? undefined : shape) }).transform((text, context) => {
    const ms = milliseconds(text)
    const message =
      ms === null
        ? `${shape}, not ${JSON.stringify(text)}`
        : limits.least !== undefined && ms < (milliseconds(limits.least) ?? 0)
          ? `must be at least ${limits.least}, not ${text}`
          : limits.most !== undefined && ms > (milliseconds(limits.most) ?? 0)
            ? `must be at most ${limits.most}, not ${text}`
            : null
    if (ms !== null && message === null) return ms
    context.addIssue({ code: 'custom', message: message ?? shape })
    return z.NEVER
  })
}

/** A size as `512KiB` or `8MiB`; bytes in code. */
export function byteSize(): z.ZodType<number, string> {
  const shape = 'must be a size such as 64KiB or 8MiB'
  return z.string({ error: (issue) => (issue.input === undefined ? undefined : shape) }).transform((text, context) => {
    const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text.trim())
    if (match === null) {
      context.addIssue({ code: 'custom', message: `${shape}, not ${JSON.stringify(text)}` })
      return z.NEVER
    }
    return Number(match[1]) * { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[match[2] as 'B']
  })
}

/** 0 lets the system choose: legal everywhere, and what tests use. */
export const port = (): z.ZodType<number, number> => z.number().int().min(0).max(65_535)

/** An IANA name. */
export const timeZone = (): z.ZodType<string, string> =>
  z.string().refine((name) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
    } catch {
      return false
    }
  }, 'must be an IANA time zone such as Asia/Shanghai')

/** Country code of telephone numbers, without `+`. */
export const countryCode = (): z.ZodType<string, string> =>
  z.string().regex(/^[1-9][0-9]{0,2}$/, 'must be a country code in quotes, such as "86"')

/** `10.0.0.0/8` or an address. */
export const network = (): z.ZodType<string, string> =>
  z.string().refine((text) => parsedNetwork(text) !== null, 'must be an address or a network such as 10.1.0.0/16')

/** A path that need not exist yet; absolute in code. */
export const path = (): z.ZodType<string, string> =>
  z
    .string()
    .min(1)
    .transform((text) => resolve(folder, text))

/** A file that must be there and readable; its absolute path in code. */
export const file = (): z.ZodType<string, string> => existing('file')

/** A folder that must be there; its absolute path in code. */
export const directory = (): z.ZodType<string, string> => existing('folder')

function existing(what: 'file' | 'folder'): z.ZodType<string, string> {
  return path().superRefine((absolute, context) => {
    try {
      const found = statSync(absolute)
      if (what === 'file' ? found.isFile() : found.isDirectory()) return
      context.addIssue({ code: 'custom', message: `${absolute} is not a ${what}` })
    } catch (error) {
      context.addIssue({ code: 'custom', message: `the ${what} ${absolute} ${unreadable(error)}` })
    }
  })
}

const unreadable = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code ?? String(error)})`
}

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

type SecretSource = string | { env: string } | { file: string }

/** A secret written as it is, or as `{ env: NAME }`, or as `{ file: path }` (its trailing newline dropped). */
export function secret(): z.ZodType<Secret, SecretSource> {
  return z
    .union(
      [z.string().min(1), z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
      {
        error: (issue) =>
          issue.input === undefined ? undefined : 'must be text in quotes, { env: NAME } or { file: path }',
      },
    )
    .transform((source, context) => {
      const read = typeof source === 'string' ? { value: source } : 'env' in source ? fromEnv(source) : fromFile(source)
      if ('value' in read) return new Secret(read.value)
      context.addIssue({ code: 'custom', message: read.problem })
      return z.NEVER
    })
}

type Read = { readonly value: string } | { readonly problem: string }

function fromEnv({ env }: { env: string }): Read {
  const value = process.env[env]
  return value ? { value } : { problem: `the environment variable ${env} is not set` }
}

function fromFile(source: { file: string }): Read {
  const absolute = resolve(folder, source.file)
  try {
    const value = readFileSync(absolute, 'utf8').replace(/\r?\n$/, '')
    return value ? { value } : { problem: `the file ${absolute} is empty` }
  } catch (error) {
    return { problem: `the file ${absolute} ${unreadable(error)}` }
  }
}

/** The key that a destination's requests are signed with, as Standard Webhooks writes it: `whsec_` and base64. */
export class SigningSecret extends Secret {
  /** The bytes behind `whsec_`. */
  get key(): Uint8Array {
    return Buffer.from(this.reveal().slice('whsec_'.length), 'base64')
  }
}

/** Standard Webhooks 1.0, "Signature scheme": 24 to 64 bytes, base64, prefixed `whsec_`. */
export function signingSecret(): z.ZodType<SigningSecret, SecretSource> {
  return secret().transform((plain, context) => {
    const signing = new SigningSecret(plain.reveal())
    const { length } = signing.key
    if (/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(signing.reveal()) && length >= 24 && length <= 64) return signing
    context.addIssue({
      code: 'custom',
      message:
        'must be whsec_ followed by base64 of 24 to 64 bytes; make one with: echo "whsec_$(openssl rand -base64 32)"',
    })
    return z.NEVER
  })
}

/**
 * A block of keys, written here or in a YAML file of its own that several places name. What is wrong in the file is said
 * with the file's name, line and column.
 */
export function blockOrFile<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.output<Schema>, unknown> {
  return z.unknown().transform((input, context): z.output<Schema> => {
    const say = (message: string, path: PropertyKey[] = []) => {
      context.addIssue({ code: 'custom', message, path })
      return z.NEVER
    }
    if (input === undefined) return say('is missing')
    if (typeof input !== 'string') {
      const parsed = schema.safeParse(input, { error: wording })
      if (parsed.success) return parsed.data
      for (const { message, path } of parsed.error.issues) say(message, [...path])
      return z.NEVER
    }
    const absolute = resolve(folder, input)
    let yaml: YamlText
    try {
      yaml = parseYaml(readFileSync(absolute, 'utf8'))
    } catch (error) {
      return say(`the file ${absolute} ${unreadable(error)}`)
    }
    for (const { line, column, message } of yaml.problems) say(`${absolute}:${line}:${column}: ${message}`)
    if (yaml.problems.length > 0) return z.NEVER
    const parsed = schema.safeParse(yaml.value ?? {}, { error: wording })
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) {
      const { line, column } = yaml.place(issue.path)
      const at = issue.path.length === 0 ? '' : `${pathText(issue.path)}: `
      say(`${absolute}:${line}:${column}: ${at}${issue.message}`)
    }
    return z.NEVER
  })
}
