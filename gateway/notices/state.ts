/**
 * The states of a notice. Within one leg, one way of sending it, a later word never takes it back; a fallback begins
 * another leg. `published`: handed to a device's link, and not known yet whether it arrived. `in-doubt`: a text that may
 * have left, or may not. `listed`: every way failed, and an operator is to see to it.
 */
export const noticeStates = [
  'queued',
  'published',
  'sending',
  'in-doubt',
  'accepted',
  'expired',
  'unknown',
  'undeliverable',
  'rejected',
  'listed',
  'delivered',
  'read',
  'done',
  'refused',
] as const
export type NoticeState = (typeof noticeStates)[number]

const rank: Record<NoticeState, number> = {
  queued: 0,
  published: 1,
  sending: 1,
  'in-doubt': 2,
  accepted: 3,
  expired: 4,
  unknown: 4,
  undeliverable: 4,
  rejected: 4,
  listed: 5,
  delivered: 6,
  read: 7,
  done: 8,
  refused: 8,
}

/** What expired or failed in the gateway's eyes may still have reached its addressee: the addressee's word wins. */
export function advances(from: NoticeState, to: NoticeState): boolean {
  return rank[to] > rank[from]
}

/** Whether it has reached its addressee: true of a notice on whichever leg that was. */
export function arrived(state: NoticeState): boolean {
  return rank[state] >= rank.delivered
}

/** States that end a leg without success. */
export const failures: readonly NoticeState[] = ['expired', 'unknown', 'undeliverable', 'rejected']

/** States of one part of a text at its message centre. */
export type SubmissionState =
  | 'sending'
  | 'in-doubt'
  | 'accepted'
  | 'expired'
  | 'undeliverable'
  | 'rejected'
  | 'unknown'
  | 'delivered'

const partRank: Record<SubmissionState, number> = {
  sending: 0,
  'in-doubt': 1,
  accepted: 2,
  expired: 3,
  unknown: 3,
  undeliverable: 3,
  rejected: 3,
  delivered: 4,
}

export function advancesPart(from: SubmissionState, to: SubmissionState): boolean {
  return partRank[to] > partRank[from]
}

const asSql = (ranks: Record<string, number>, state: string) =>
  `CASE ${state} ${Object.entries(ranks)
    .map(([name, n]) => `WHEN '${name}' THEN ${n}`)
    .join(' ')} END`

/** The rank of a state as SQL, so that a statement written late takes no notice back. */
export const rankSql = (state: string): string => asSql(rank, state)
export const partRankSql = (state: string): string => asSql(partRank, state)
export const arrivedRank = rank.delivered
