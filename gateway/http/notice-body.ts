import type { To } from '../notices/request.ts'
import { text, time, uuid } from './fields.ts'

/** What `POST /v1/notices` takes. */
export interface NoticeBody {
  readonly to?: To
  /** A device. */
  readonly addressee?: string
  readonly adapter?: string
  readonly kind?: 'task' | 'notice' | 'parameters'
  readonly body?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly template?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly urgent?: boolean
  readonly expiresAt?: string
  readonly intentId?: string
  readonly caseNumber?: string
  readonly media?: readonly { readonly sha256: string; readonly name?: string; readonly mediaType?: string }[]
}

const words = (maxLength: number) => ({ ...text, maxLength })

const number = { ...text, pattern: '^(tel:)?[+0-9][0-9 ().-]{2,30}$', description: 'a telephone number' } as const

const media = {
  type: 'object',
  additionalProperties: false,
  properties: {
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$', description: '64 hexadecimal digits' },
    name: text,
    mediaType: { ...text, pattern: '^[a-z]+/[a-zA-Z0-9.+-]+$', description: 'a media type such as image/jpeg' },
  },
  required: ['sha256'],
} as const

export const noticeBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    to: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      properties: {
        device: text,
        subscriber: number,
        collector: text,
        department: text,
        reporterOf: uuid,
        queryNumber: text,
      },
    },
    addressee: text,
    adapter: text,
    kind: { enum: ['task', 'notice', 'parameters'] },
    body: { type: 'object' },
    text: words(2000),
    template: text,
    fields: { type: 'object', additionalProperties: { ...words(500), minLength: 0, pattern: '^[^\\u0000]*$' } },
    urgent: { type: 'boolean' },
    expiresAt: time,
    intentId: uuid,
    caseNumber: text,
    media: { type: 'array', maxItems: 10, items: media },
  },
} as const
