import { createHash } from 'node:crypto'
import type { Pool } from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type { City } from '../city/city.ts'
import { GatewayError, quote } from '../errors.ts'
import { emptyRows } from '../intake/rows.ts'
import { storableJson } from '../store/array-literal.ts'
import type { Attachments } from '../store/attachments.ts'
import { adapterHeard, noticesOfGroup, noticeWithKey } from '../store/notice-requests.ts'
import { writeBatch } from '../store/write-batch.ts'
import { composed, wordsOf } from './compose.ts'
import { recipientsOf } from './recipients.ts'
import type { NoticeRequest } from './request.ts'
import type { NewNotice } from './rows.ts'
import type { NoticeRules } from './rules.ts'
import { type TextAdapter, waysTo } from './ways.ts'

export interface NoticeDeskOptions {
  readonly pool: Pool
  readonly gateway: string
  readonly namedStatements: boolean
  readonly rules: NoticeRules
  /** Adapters that reach devices, and those that texts leave by. */
  readonly devices: ReadonlyMap<string, { readonly kind: string }>
  readonly texts: ReadonlyMap<string, TextAdapter>
  readonly attachments: Pick<Attachments, 'has'>
  city(): City
}

export interface Posted {
  readonly id: string
  /** All that one request led to: a department's duty phones. */
  readonly ids: readonly string[]
  readonly created: boolean
}

/** Makes notices of what the core asks for. Once stored, nothing that goes wrong with sending takes one back. */
export class NoticeDesk {
  readonly #options: NoticeDeskOptions

  constructor(options: NoticeDeskOptions) {
    this.#options = options
  }

  /** Stores them. The same key gives the same notices; with other content it is refused. */
  async post(request: NoticeRequest): Promise<Posted & { readonly stored: readonly NewNotice[] }> {
    const { pool, gateway, namedStatements } = this.#options
    const fingerprint = createHash('sha256')
      .update(storableJson({ ...request, idempotencyKey: null }))
      .digest('hex')
    const known = await this.#known(request.idempotencyKey, fingerprint)
    if (known !== null) return { ...known, stored: [] }
    const rows = emptyRows()
    rows.notices.push(...(await this.#notices(request, fingerprint, rows)))
    await writeBatch(pool, rows, gateway, namedStatements)
    const stored = await this.#known(request.idempotencyKey, fingerprint)
    if (stored === null) throw new GatewayError('STORE_UNAVAILABLE', 'the notice was stored and is gone')
    const created = rows.notices.some(({ id }) => id === stored.id)
    return { ...stored, created, stored: created ? rows.notices : [] }
  }

  async #known(idempotencyKey: string, fingerprint: string): Promise<Posted | null> {
    const { pool } = this.#options
    const known = await noticeWithKey(pool, idempotencyKey)
    if (known === null) return null
    if (known.fingerprint !== fingerprint)
      throw new GatewayError(
        'NOTICE_INVALID',
        `the idempotency key ${quote(idempotencyKey)} was used for another notice`,
      )
    const ids = known.groupId === null ? [known.id] : await noticesOfGroup(pool, known.groupId)
    return { id: known.id, ids, created: false }
  }

  async #notices(
    request: NoticeRequest,
    fingerprint: string,
    rows: ReturnType<typeof emptyRows>,
  ): Promise<readonly NewNotice[]> {
    const { to } = request
    if ('device' in to) return [await this.#toDevice(request, to.device, fingerprint)]
    const { pool, rules, devices, texts, attachments, city } = this.#options
    const now = city()
    for (const { sha256 } of request.media)
      if (!(await attachments.has(sha256))) throw new GatewayError('NOTICE_INVALID', `there is no attachment ${sha256}`)
    const directory = { pool, city: now, country: rules.country, adapterOf: (id: string) => this.#reaches(id) }
    const recipients = await recipientsOf(to, request.media.length > 0, directory)
    const at = new Date()
    const groupId = recipients.length > 1 ? uuidv7() : null
    return recipients.map((recipient, index) => {
      const words = wordsOf(request, recipient, now)
      // One that is named is preferred where several would do, and then it is the only way.
      const reach = { ...recipient.reach, preferred: request.adapter ?? recipient.reach.preferred }
      const ways = waysTo(reach, rules, devices, texts).filter(
        ({ adapter }) => request.adapter === null || adapter === request.adapter,
      )
      if (ways.length === 0)
        throw new GatewayError('NOTICE_INVALID', `there is no way to this ${recipient.reach.audience}`)
      // No header holds this character, so no other request has such a key.
      const idempotencyKey = `${request.idempotencyKey}${index === 0 ? '' : `\u001f${index + 1}`}`
      const notice = composed(request, recipient, words, {
        at,
        idempotencyKey,
        fingerprint,
        groupId,
        ways,
        rules,
        city: now,
      })
      const { intentId, caseNumber } = notice
      if (intentId !== null && index === 0 && (words.stage !== null || caseNumber !== null))
        rows.stages.push({ stage: null, text: null, ...words.stage, intentId, at, caseNumber, closedWhy: null })
      return notice
    })
  }

  /** As it is posted, by the one adapter, for as long as it takes. */
  async #toDevice(request: NoticeRequest, device: string, fingerprint: string): Promise<NewNotice> {
    const adapter = request.adapter ?? (await this.#reaches(device))
    if (adapter === null)
      throw new GatewayError('NOTICE_INVALID', `${quote(device)} was never heard of: name the adapter to send by`)
    if (!this.#options.devices.has(adapter))
      throw new GatewayError('NOTICE_INVALID', `adapter ${quote(adapter)} is not one that can send`)
    if (request.body === null) throw new GatewayError('NOTICE_WORDS', 'a device is sent a body, and there is none')
    const { idempotencyKey, kind, body, expiresAt, urgent, intentId, caseNumber } = request
    return {
      id: uuidv7(),
      idempotencyKey,
      fingerprint,
      adapter,
      addressee: device,
      kind,
      body,
      expiresAt,
      createdAt: new Date(),
      notBefore: null,
      audience: 'device',
      urgent,
      template: null,
      text: null,
      routes: [],
      intentId,
      caseNumber,
      tells: null,
      groupId: null,
      reviewAt: null,
    }
  }

  /** Where a device was last heard, else the only adapter that could reach it. */
  async #reaches(device: string): Promise<string | null> {
    const { pool, devices } = this.#options
    const heard = await adapterHeard(pool, device)
    if (heard !== null && devices.has(heard)) return heard
    const [only] = devices.keys()
    return devices.size === 1 ? (only ?? null) : null
  }
}
