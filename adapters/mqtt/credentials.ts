import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { describe, quote } from '../../gateway/errors.ts'
import { isDeviceName, notDeviceName } from './topics.ts'

/** A device speaks for itself alone; a bridge forwards for others and may publish under any device's up topics. */
export type Role = 'device' | 'bridge'

export interface Credential {
  readonly role: Role
  readonly scheme: 'sha256' | 'scrypt'
  readonly salt: string
  readonly hash: Buffer
}

const line =
  /^(?<name>\S+):(?<scheme>sha256|scrypt)\$(?<salt>[^$\s]*)\$(?<hash>[\da-fA-F]{64})(?:\s+role=(?<role>device|bridge))?$/

/**
 * Reads a credentials file: `name:scheme$salt$hash`, optionally ` role=bridge`; empty lines and `#` comments. `sha256`
 * is SHA-256 of salt and password in hexadecimal and fits random tokens only; `scrypt` (N 16384, r 8, p 1, 32 bytes)
 * fits passwords that people choose. Every faulty line is a problem with its number.
 */
export function parseCredentials(text: string): { credentials: Map<string, Credential>; problems: string[] } {
  const credentials = new Map<string, Credential>()
  const problems: string[] = []
  for (const [at, written] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(written)) continue
    const { name = '', scheme, salt = '', hash = '', role = 'device' } = line.exec(written.trim())?.groups ?? {}
    if (name === '') problems.push(`line ${at + 1} is not name:scheme$salt$hash`)
    else if (!isDeviceName(name)) problems.push(`line ${at + 1}: ${quote(name)} ${notDeviceName}`)
    else if (credentials.has(name)) problems.push(`line ${at + 1}: ${quote(name)} is there twice`)
    else {
      credentials.set(name, {
        role: role === 'bridge' ? 'bridge' : 'device',
        scheme: scheme === 'scrypt' ? 'scrypt' : 'sha256',
        salt,
        hash: Buffer.from(hash, 'hex'),
      })
    }
  }
  return { credentials, problems }
}

/** The problems of a file, for the configuration's check. */
export function credentialProblems(path: string): string[] {
  try {
    return parseCredentials(readFileSync(path, 'utf8')).problems
  } catch (error) {
    return [`cannot be read: ${describe(error)}`]
  }
}

const sha256 = (salt: string, password: string | Buffer): Buffer =>
  createHash('sha256').update(salt).update(password).digest()

/** A line of a credentials file for a random token. */
export function tokenLine(name: string, token: string, role: Role = 'device'): string {
  const salt = randomBytes(9).toString('base64url')
  return `${name}:sha256$${salt}$${sha256(salt, token).toString('hex')} role=${role}`
}

export function tokenCredential(token: string, role: Role): Credential {
  const salt = randomBytes(9).toString('base64url')
  return { role, scheme: 'sha256', salt, hash: sha256(salt, token) }
}

const reloadCheckMs = 1000

/** Who may connect. A changed file is read again without a restart; a faulty one leaves the last good one in force. */
export class Credentials {
  readonly #path: string | null
  readonly #inline: ReadonlyMap<string, Credential>
  readonly #faulty: (problems: string[]) => void
  readonly #cacheKey = randomBytes(32)
  /** Passwords found right, as keyed hashes, so that a reconnecting fleet does not pay scrypt each time. */
  readonly #known = new Map<string, Buffer>()
  #file = new Map<string, Credential>()
  #modifiedMs = 0
  #checkedAtMs = 0
  #queue: Promise<unknown> = Promise.resolve()

  constructor(
    path: string | null,
    inline: ReadonlyMap<string, Credential>,
    faulty: (problems: string[]) => void = () => {},
  ) {
    this.#path = path
    this.#inline = inline
    this.#faulty = faulty
  }

  async find(name: string): Promise<Credential | null> {
    if (this.#path !== null && Date.now() - this.#checkedAtMs > reloadCheckMs) {
      this.#checkedAtMs = Date.now()
      await this.#reload(this.#path)
    }
    return this.#inline.get(name) ?? this.#file.get(name) ?? null
  }

  /** The credential when name and password agree. Takes the same time for a name that is not known. */
  async verify(name: string, password: Buffer): Promise<Credential | null> {
    const found = await this.find(name)
    const credential = found ?? stranger
    const right = timingSafeEqual(credential.hash, await this.#hash(name, password, credential))
    return right ? found : null
  }

  async #hash(name: string, password: Buffer, credential: Credential): Promise<Buffer> {
    if (credential.scheme === 'sha256') return sha256(credential.salt, password)
    const seen = createHmac('sha256', this.#cacheKey).update(credential.salt).update(credential.hash).update(password)
    const proof = seen.digest()
    if (this.#known.get(name)?.equals(proof)) return credential.hash
    const hash = await this.#derive(password, credential.salt)
    if (hash.equals(credential.hash)) this.#known.set(name, proof)
    return hash
  }

  /** One at a time: scrypt runs on the threads that file and name look-ups need too. */
  #derive(password: Buffer, salt: string): Promise<Buffer> {
    const turn = this.#queue.then(() => derive(password, salt))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #reload(path: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(path)
      if (mtimeMs === this.#modifiedMs) return
      const { credentials, problems } = parseCredentials(await readFile(path, 'utf8'))
      this.#modifiedMs = mtimeMs
      if (problems.length > 0) this.#faulty(problems)
      else this.#file = credentials
    } catch (error) {
      this.#faulty([describe(error)])
    }
  }
}

const stranger: Credential = { role: 'device', scheme: 'sha256', salt: '', hash: randomBytes(32) }

function derive(password: string | Buffer, salt: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

/** A line of a credentials file for a password that somebody chose. */
export async function passwordLine(name: string, password: string, role: Role = 'device'): Promise<string> {
  const salt = randomBytes(9).toString('base64url')
  return `${name}:scrypt$${salt}$${(await derive(password, salt)).toString('hex')} role=${role}`
}
