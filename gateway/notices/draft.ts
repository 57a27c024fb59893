/** An answer to somebody who wrote, made in the intake and stored with what they wrote. */
export interface NoticeDraft {
  readonly id: string
  readonly idempotencyKey: string
  readonly to: { readonly subscriber: string }
  readonly adapter: string
  readonly template: string
  readonly fields: Readonly<Record<string, string>>
  readonly intentId: string | null
  readonly urgent: boolean
  readonly extension: string | null
  readonly expiresAt: Date | null
}
