import type { CodingOptions } from './coding.ts'
import type { MessageIdForms } from './message-ids.ts'

/** What the octets of a link mean where SMPP leaves it open. */
export interface SmppDecodeOptions extends CodingOptions {
  /** Country code without `+`: `86`. */
  readonly country: string
  /** Adapters of one account share message ids. */
  readonly account: string
  readonly messageIdForms: MessageIdForms
  /**
   * Minutes that the clock in receipts is ahead of UTC: 480 in China. `null` or absent: nobody knows, and a receipt has
   * no time of its own.
   */
  readonly clockOffsetMinutes?: number | null
  /** The account's own number, without extensions: a receipt that comes from it kept the submission's direction. */
  readonly ownNumber?: string | null
}
