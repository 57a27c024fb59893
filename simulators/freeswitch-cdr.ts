import { request } from 'node:http'
import {
  type CdrWrapping,
  type WrittenCdr,
  wrapCdr,
  writeJsonCdr,
  writeXmlCdr,
} from '../adapters/freeswitch/cdr-write.ts'

/** As json_cdr.conf, xml_cdr.conf and format_cdr.conf have them. */
export interface CdrModule {
  readonly url: string
  readonly format: 'json' | 'xml'
  readonly wrapping: CdrWrapping
  readonly encodeValues: boolean
  /** `user:password` */
  readonly cred: string | null
  /** After the first attempt. */
  readonly retries: number
  readonly delayMs: number
  readonly timeoutMs: number
}

/** Posts a record until something of 2xx comes back; what nobody took is written to disk, as far as the module goes. */
export class CdrPoster {
  /** Records that were not taken. */
  readonly disk: string[] = []
  attempts = 0
  readonly #module: CdrModule

  constructor(module: CdrModule) {
    this.#module = module
  }

  async post(cdr: WrittenCdr): Promise<boolean> {
    const { format, encodeValues, wrapping, retries, delayMs } = this.#module
    const record = format === 'json' ? writeJsonCdr(cdr, encodeValues) : writeXmlCdr(cdr)
    const { contentType, body } = wrapCdr(record, wrapping)
    const prefix = cdr.direction === 'inbound' ? 'a_' : ''
    for (let attempt = 0; attempt <= retries; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      this.attempts++
      const status = await this.#send(`?uuid=${prefix}${cdr.uuid}`, contentType, body)
      if (status >= 200 && status < 300) return true
    }
    this.disk.push(record)
    return false
  }

  /** 0: there was no answer. */
  #send(query: string, contentType: string, body: string): Promise<number> {
    const { url, cred, timeoutMs } = this.#module
    const headers = {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'user-agent': 'freeswitch-json/1.0',
      ...(cred === null ? {} : { authorization: `Basic ${Buffer.from(cred).toString('base64')}` }),
    }
    return new Promise((resolve) => {
      const posting = request(`${url}${query}`, { method: 'POST', headers, timeout: timeoutMs }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', () => resolve(0))
      })
      posting.on('timeout', () => posting.destroy())
      posting.on('error', () => resolve(0))
      posting.end(body)
    })
  }
}
