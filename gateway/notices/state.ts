/**
 * The states of a notice, in the order it goes through them; a later word never takes it back. `expired` and `refused`
 * end it. `published`: handed to the link, and not known yet whether it arrived.
 */
export const noticeStates = ['queued', 'published', 'delivered', 'read', 'done', 'refused', 'expired'] as const
export type NoticeState = (typeof noticeStates)[number]

const rank: Record<NoticeState, number> = {
  queued: 0,
  published: 1,
  expired: 2,
  delivered: 3,
  read: 4,
  done: 5,
  refused: 5,
}

/** A notice that expired in the gateway's eyes may still have reached its device: the device's word wins. */
export function advances(from: NoticeState, to: NoticeState): boolean {
  return rank[to] > rank[from]
}

/** The rank of a state as SQL, so that a statement written late takes no notice back. */
export function rankSql(state: string): string {
  const cases = Object.entries(rank).map(([name, n]) => `WHEN '${name}' THEN ${n}`)
  return `CASE ${state} ${cases.join(' ')} END`
}
