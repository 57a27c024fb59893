import { numeralAt } from '../../city/numerals.ts'

export interface Grammar {
  readonly name: string | null
  readonly address: string
  readonly content: string
}

const mostOfName = 8
/** 12#门口 and 3#楼: the mark means 号. */
const afterNumber = /[0-9０-９a-zA-Z一二三四五六七八九十]$/
const notAName = /[0-9０-９路街巷弄号栋幢区村镇，。,!！?？]/
const telephone = /^\+?[0-9０-９\-\s]{7,20}$/

/**
 * The fields of a text that was written as citizens are asked to write: 姓名#地址#内容, or 地址#内容. `null`: it was not. A mark
 * behind a number is 号 when nothing else makes it a field's end.
 */
export function readGrammar(text: string): Grammar | null {
  const fields = text.split(/[#＃﹟]/).map((field) => field.trim())
  const [first = '', second = '', ...rest] = fields
  if (fields.length < 2 || first === '') return null
  if (fields.length > 2 && isName(first)) {
    const content = contentOf(rest)
    return second === '' || content === '' ? null : { name: first, address: second, content }
  }
  const content = contentOf([second, ...rest])
  const ownNumber = fields.length === 2 && afterNumber.test(first)
  return ownNumber || first.length < 2 || content === '' || isSentence(first)
    ? null
    : { name: null, address: first, content }
}

function isName(field: string): boolean {
  return field.length >= 2 && field.length <= mostOfName && !notAName.test(field) && numeralAt(field, 0) === null
}

/** A field that holds nothing but a telephone number is no content. */
function contentOf(fields: readonly string[]): string {
  return fields.filter((field) => field !== '' && !telephone.test(field)).join('#')
}

/** Whoever writes a whole sentence before the mark did not write an address there. */
function isSentence(field: string): boolean {
  return field.length > 40 || /[。！!？?；;]/.test(field)
}
