import type { Shift } from '../city/city.ts'
import type { Audience } from './rows.ts'

/** How notices are sent, as the configuration says. */
export interface NoticeRules {
  /** When citizens are not written to, in the city's time zone; `null`: never. */
  readonly quietHours: Omit<Shift, 'id'> | null
  /** Texts a day that one citizen gets at most; 0: no limit. */
  readonly dailyCap: number
  /** Country code of numbers that are written without one: `86`. */
  readonly country: string
  /** How long a notice is worth sending, in milliseconds, where nobody says so. */
  readonly expiresMs: Readonly<Record<Addressed, number>>
  /** The ways that are tried one after the other before an operator is asked. */
  readonly routes: Readonly<Record<Addressed, readonly Route[]>>
}

/** Audiences that a notice finds its own way to. */
export type Addressed = Exclude<Audience, 'device'>

export interface Route {
  readonly by: 'device' | 'text'
  /** Only this adapter. */
  readonly adapter: string | null
  /** Only adapters of this kind. */
  readonly kind: string | null
  /** Without delivery for so long the next way is tried; `null`: however long it takes. */
  readonly afterMs: number | null
}
