/**
 * Message centres name a submission in submit_sm_resp and again in its receipt, and not always in the same digits:
 * hexadecimal in the one and decimal in the other, with leading zeros or without, in small letters or capitals.
 * `hex-to-decimal`: hexadecimal in the response, decimal in the receipt.
 */
export const messageIdForms = ['same', 'hex-to-decimal', 'decimal-to-hex', 'either'] as const
export type MessageIdForms = (typeof messageIdForms)[number]

/**
 * Every id that the response may have given for a receipt of this id, the likeliest first. Whoever looks them up takes
 * the first that is known: the same text outweighs the same number. What `either` cannot avoid: `10` in a receipt is
 * also 16 and `a`, so on a centre that counts from 1 one id may be three; a configured form makes it one. The number
 * that the text went to should agree as well.
 */
export function receiptedIdForms(id: string, forms: MessageIdForms): readonly string[] {
  return formsOf(id, forms !== 'decimal-to-hex', forms !== 'hex-to-decimal', forms)
}

/** The other way: every id that a receipt may give for a submission whose response gave this one. */
export function submittedIdForms(id: string, forms: MessageIdForms): readonly string[] {
  return formsOf(id, forms !== 'hex-to-decimal', forms !== 'decimal-to-hex', forms)
}

function formsOf(id: string, fromDecimal: boolean, fromHex: boolean, forms: MessageIdForms): readonly string[] {
  const found = [id, id.toLowerCase(), id.toUpperCase()]
  if (forms === 'same') return [...new Set(found)]
  const decimal = isDecimal(id) ? BigInt(id) : null
  const hex = isHex(id) ? BigInt(`0x${id}`) : null
  if (forms === 'either' && decimal !== null) found.push(...decimalForms(decimal))
  if (forms === 'either' && hex !== null) found.push(...hexForms(hex))
  if (fromDecimal && decimal !== null) found.push(...hexForms(decimal))
  if (fromHex && hex !== null) found.push(...decimalForms(hex))
  return [...new Set(found)]
}

// Ids are numbers of 32 or 64 bits where they are numbers at all; what is longer (UUIDs) is only ever compared as text.
const isDecimal = (id: string) => /^\d{1,20}$/.test(id)
const isHex = (id: string) => /^[\da-f]{1,16}$/i.test(id)

/** As `%x`, `%08x` and `%016x` write it, and as whole octets; in small letters and in capitals. */
function hexForms(value: bigint): string[] {
  const plain = value.toString(16)
  const padded = [plain, ...[plain.length + (plain.length % 2), 8, 16].map((width) => plain.padStart(width, '0'))]
  return [...padded, ...padded.map((one) => one.toUpperCase())]
}

/** As `%u`, `%010u` and `%020u` write it. */
function decimalForms(value: bigint): string[] {
  const plain = value.toString()
  return [plain, plain.padStart(10, '0'), plain.padStart(20, '0')]
}
