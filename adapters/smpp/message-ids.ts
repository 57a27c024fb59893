/** How message ids of submit_sm_resp and of receipts differ: `hex-to-decimal` has hexadecimal ones in the response. */
export const messageIdForms = ['same', 'hex-to-decimal', 'decimal-to-hex', 'either'] as const
export type MessageIdForms = (typeof messageIdForms)[number]

export function receiptedIdForms(id: string, _forms: MessageIdForms): readonly string[] {
  return [id]
}

export function submittedIdForms(id: string, _forms: MessageIdForms): readonly string[] {
  return [id]
}
