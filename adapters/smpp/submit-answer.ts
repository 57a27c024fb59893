import type { Submitted } from '../../gateway/adapter.ts'
import type { Response } from './session.ts'
import { commandId, messageIdOf, statusName, statusOf } from './session-pdus.ts'

/**
 * What a centre's answer to a submission means (SMPP 3.4, 5.1.3). These say that nothing was taken and that it may be
 * asked again; any other error is a word about the message itself, and asking again would have the same answer.
 * ESME_RSUBMITFAIL and ESME_RUNKNOWNERR stand for anything at all: a message is rather lost in sight than sent twice.
 */
const laterMs: ReadonlyMap<number, number> = new Map(
  Object.entries({
    ESME_RTHROTTLED: 1000,
    ESME_RMSGQFUL: 5000,
    ESME_RX_T_APPN: 5000,
    ESME_RINVBNDSTS: 10_000,
    ESME_RSYSERR: 30_000,
    ESME_RSERTYPUNAVAIL: 60_000,
  }).map(([name, ms]) => [statusOf(name), ms]),
)

/** `numbered`: what the message goes by where the far end gives it no id of its own. */
export function submittedBy(response: Response, numbered: string | null = null): Submitted {
  const { id, status } = response.header
  // A generic_nack means no, whatever its status says.
  if (id === commandId.generic_nack && status === 0) return { outcome: 'rejected', reason: 'generic_nack' }
  if (status === 0) {
    const messageId = messageIdOf(response.raw) || numbered
    // Without an id no receipt can ever be told to belong to it; it was taken all the same.
    return { outcome: 'accepted', messageId: messageId ?? '' }
  }
  const reason = statusName(status)
  const afterMs = laterMs.get(status)
  return afterMs === undefined ? { outcome: 'rejected', reason } : { outcome: 'later', reason, afterMs }
}
