import { createHash, randomBytes } from 'node:crypto'
import { ns } from '../adapters/onvif/names.ts'
import { tokenDigest } from '../adapters/onvif/soap.ts'
import { timeOf } from '../adapters/onvif/times.ts'
import { textIn, type XmlElement } from '../adapters/onvif/xml.ts'

/** How a device checks who asks: HTTP Digest (RFC 7616, MD5), and WS-Security's UsernameToken by its own clock. */
export class DeviceGate {
  readonly #username: string
  readonly #password: string
  readonly #realm = 'camera'
  readonly #counts = new Map<string, number>()
  readonly #nonces = new Set<string>()
  /** A token of another time than the device's is refused. */
  readonly #toleranceMs = 60_000

  constructor(username: string, password: string) {
    this.#username = username
    this.#password = password
  }

  challenge(): string {
    const nonce = randomBytes(12).toString('hex')
    this.#counts.set(nonce, 0)
    return `Digest realm="${this.#realm}", qop="auth", nonce="${nonce}", opaque="o", algorithm=MD5`
  }

  /** Every use of a nonce has a higher number than the one before. */
  admitsDigest(header: string, method: string, target: string): boolean {
    const field = (name: string) => new RegExp(`\\b${name}="?([^",]*)"?`).exec(header)?.[1] ?? ''
    const [nonce, nc] = [field('nonce'), Number.parseInt(field('nc'), 16)]
    const last = this.#counts.get(nonce)
    if (!header.startsWith('Digest ') || last === undefined || !(nc > last) || field('uri') !== target) return false
    const md5 = (text: string) => createHash('md5').update(text).digest('hex')
    const who = md5(`${this.#username}:${this.#realm}:${this.#password}`)
    const wanted = md5(`${who}:${nonce}:${field('nc')}:${field('cnonce')}:auth:${md5(`${method}:${target}`)}`)
    const admitted = field('response') === wanted
    if (admitted) this.#counts.set(nonce, nc)
    return admitted
  }

  admitsToken(header: XmlElement | null, now: Date): boolean {
    const [username, given, nonce] = ['Username', 'Password', 'Nonce'].map((name) => textIn(header, ns.security, name))
    const created = textIn(header, ns.securityUtility, 'Created')
    const at = created === null ? null : timeOf(created)
    if (!given || !nonce || created === null || at === null || username !== this.#username) return false
    if (Math.abs(at.getTime() - now.getTime()) > this.#toleranceMs || this.#nonces.has(nonce)) return false
    this.#nonces.add(nonce)
    return given === tokenDigest(this.#password, created, Buffer.from(nonce, 'base64'))
  }
}
