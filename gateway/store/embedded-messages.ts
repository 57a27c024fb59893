import type { ErrorCode } from '../errors.ts'

/** What the embedded PostgreSQL's process tells the gateway. */
export type FromChild =
  | { readonly kind: 'ready' }
  /** It will not start; the process ends. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'warn'; readonly message: string }

export interface ToChild {
  readonly kind: 'close'
}
