import type { Pool } from 'pg'
import type { City, Department } from '../city/city.ts'
import { GatewayError, quote } from '../errors.ts'
import { type Reporter, reporterOf, reporterWith, speakerOf } from '../store/correspondence.ts'
import { subscriberUri } from '../subscriber.ts'
import type { To } from './request.ts'
import type { Reach } from './ways.ts'

/** One whom a notice goes to, with what is known of them. */
export interface Recipient {
  readonly reach: Reach
  /** What the texts may name without being told. */
  readonly fields: Readonly<Record<string, string>>
  readonly intentId: string | null
  readonly department: Department | null
}

export interface Directory {
  readonly pool: Pool
  readonly city: City
  readonly country: string
  /** The adapter that a device is reached by; `null`: by none. */
  adapterOf(device: string): Promise<string | null>
}

/** Who is meant, at least one. Rejects with NOTICE_INVALID when nobody is, or nobody who can be reached. */
export async function recipientsOf(
  to: Exclude<To, { device: string }>,
  media: boolean,
  directory: Directory,
): Promise<readonly Recipient[]> {
  const { pool, country } = directory
  if ('subscriber' in to) return [citizen(subscriberUri(to.subscriber, country), null, media)]
  if ('collector' in to) return [await collector(to.collector, null, media, directory)]
  if ('department' in to) return dutyPhones(to.department, media, directory)
  const reporter = 'reporterOf' in to ? await reporterOf(pool, to.reporterOf) : await reporterWith(pool, to.queryNumber)
  if (reporter !== null) return [writer(reporter, media)]
  const speaker = 'reporterOf' in to ? await speakerOf(pool, to.reporterOf) : null
  if ('reporterOf' in to && speaker !== null) return [await collector(speaker, to.reporterOf, media, directory)]
  const whom = 'reporterOf' in to ? `of intent ${to.reporterOf}` : `with query number ${quote(to.queryNumber)}`
  throw new GatewayError('NOTICE_INVALID', `there is no reporter ${whom}`)
}

function citizen(subscriber: string, reporter: Reporter | null, media: boolean): Recipient {
  return {
    reach: { audience: 'citizen', subscriber, device: null, preferred: reporter?.adapter ?? null, media },
    fields: reporter === null ? {} : { queryNumber: reporter.queryNumber },
    intentId: reporter?.intentId ?? null,
    department: null,
  }
}

function writer(reporter: Reporter, media: boolean): Recipient {
  if (!reporter.subject.startsWith('tel:'))
    throw new GatewayError('NOTICE_INVALID', `the reporter of intent ${reporter.intentId} left no number`)
  return citizen(reporter.subject, reporter, media)
}

async function collector(
  id: string,
  intentId: string | null,
  media: boolean,
  { city, country, adapterOf }: Directory,
): Promise<Recipient> {
  const subject = city.subject(id)
  if (subject === null) throw new GatewayError('NOTICE_INVALID', `${quote(id)} is nobody of this city`)
  const adapter = await adapterOf(id)
  return {
    reach: {
      audience: 'collector',
      subscriber: subject.phone === null ? null : subscriberUri(subject.phone, country),
      device: adapter === null ? null : { id, adapter },
      preferred: null,
      media,
    },
    fields: {},
    intentId,
    department: null,
  }
}

function dutyPhones(code: string, media: boolean, { city, country }: Directory): readonly Recipient[] {
  const department = city.department(code)
  if (department === null) throw new GatewayError('NOTICE_INVALID', `${quote(code)} is no department of this city`)
  if (department.phones.length === 0)
    throw new GatewayError('NOTICE_INVALID', `the department ${quote(code)} has no duty phone`)
  const numbers = new Set(department.phones.map((phone) => subscriberUri(phone, country)))
  return [...numbers].map((subscriber) => ({
    reach: { audience: 'department', subscriber, device: null, preferred: null, media },
    fields: { department: department.name },
    intentId: null,
    department,
  }))
}
