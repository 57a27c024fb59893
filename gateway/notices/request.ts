import type { OutboundNotice } from '../adapter.ts'

/** Whom a notice is for. A device is reached as it is; for all others the configuration has ways. */
export type To =
  | { readonly device: string }
  | { readonly subscriber: string }
  | { readonly collector: string }
  | { readonly department: string }
  | { readonly reporterOf: string }
  | { readonly queryNumber: string }

export interface NoticeRequest {
  readonly idempotencyKey: string
  readonly to: To
  /** `null`: the adapter that the addressee was last heard on, or that the configuration chooses. */
  readonly adapter: string | null
  readonly kind: OutboundNotice['kind']
  /** What a device gets; `null` where the text is all. */
  readonly body: Readonly<Record<string, unknown>> | null
  readonly text: string | null
  readonly template: string | null
  readonly fields: Readonly<Record<string, string>>
  readonly urgent: boolean
  /** `null`: as long as is usual for whom it is for; a device's never ends. */
  readonly expiresAt: Date | null
  readonly intentId: string | null
  readonly caseNumber: string | null
  readonly media: readonly {
    readonly sha256: string
    readonly name: string | null
    readonly mediaType: string | null
  }[]
}
