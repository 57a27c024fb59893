import { createHash } from 'node:crypto'

/**
 * The number that a reporter is given and asks the state by: eight digits made of the intent's id, and a check digit, so
 * that a slip of the thumb is no other reporter's number. It never begins with 0, and says nothing about who or what.
 */
export function queryNumberOf(intentId: string): string {
  const hash = createHash('sha256').update(intentId).digest()
  const digits = String(10_000_000 + (hash.readUInt32BE(0) % 90_000_000))
  return `${digits}${checkDigit(digits)}`
}

export function isQueryNumber(text: string): boolean {
  return /^[1-9][0-9]{8}$/.test(text) && checkDigit(text) === 0
}

/** What a text asks or adds to: 「123456789」, 「查询 123456789」, 「123456789 还没有修」. */
export type Regarding =
  | { readonly is: 'query'; readonly number: string }
  /** Only digits, as many as a query number has, but none: mistyped. */
  | { readonly is: 'mistyped'; readonly number: string }
  | { readonly is: 'supplement'; readonly number: string; readonly text: string }

/** `null`: the text is about something new. */
export function regarding(text: string): Regarding | null {
  // One character for one, so that what is added stays as it was written.
  const plain = text.replace(/[\uff10-\uff19]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)).trim()
  const match =
    /^(?:请?(?:帮我?)?查(?:询|一下|下)?(?:编号|单号|号)?|CX|编号|单号|查询号)?[\s:：,。.，、#＃]*([0-9](?:[ -]?[0-9]){8})(?![0-9])([\s\S]*)$/i.exec(
      plain,
    )
  if (match === null) return null
  const number = (match[1] ?? '').replace(/[ -]/g, '')
  const rest = (match[2] ?? '').replace(/^[\s:：,;。.，、；#＃]+|[\s。.!！?？]+$/g, '')
  const asks = rest === '' || /^(?:到哪|怎么样|处理|进度|结果|状态|好了|查询|什么情况|修好|解决)[^#]{0,12}$/.test(rest)
  if (isQueryNumber(number)) return asks ? { is: 'query', number } : { is: 'supplement', number, text: rest }
  return rest === '' ? { is: 'mistyped', number } : null
}

// The quasigroup of Damm's thesis: finds every single wrong digit and every swap of two neighbours.
const damm = [
  '0317598642',
  '7092154863',
  '4206871359',
  '1750983426',
  '6123045978',
  '3674209581',
  '5869720134',
  '8945362017',
  '9438617205',
  '2581436790',
] as const

function checkDigit(digits: string): number {
  let interim = 0
  for (const digit of digits) interim = Number(damm[interim]?.[Number(digit)])
  return interim
}
