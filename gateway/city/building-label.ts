import { numeralAt } from './numerals.ts'

export interface WrittenBuilding {
  /** Digits or a small letter: 3 for 3幢, 三栋, 3号楼 and 3#; a for A座; 3-1 for 3-1幢. */
  readonly label: string
  readonly end: number
  /** 幢, 栋, 座 or 号楼 stands behind it; 号, # and 楼 are weaker words: a floor, a door. */
  readonly marked: 'building' | 'number' | 'nothing'
}

const strong = ['号楼', '#楼', '幢', '栋', '座', '号栋', '号幢', '#幢', '#栋']
const weak = ['号', '#']

/** The building that is named at an offset, or `null`. */
export function buildingAt(text: string, at: number): WrittenBuilding | null {
  const start = text[at] === '第' ? at + 1 : at
  const number = numeralAt(text, start)
  const letter = number === null && /[a-z]/.test(text[start] ?? '') ? (text[start] ?? '') : ''
  if (number === null && letter === '') return null
  let label = number === null ? letter : String(number.value)
  let end = number === null ? start + 1 : number.end
  const second = number !== null && text[end] === '-' ? numeralAt(text, end + 1) : null
  if (second !== null && strong.some((word) => text.startsWith(word, second.end))) {
    label += `-${second.value}`
    end = second.end
  }
  const word = strong.find((one) => text.startsWith(one, end))
  if (word !== undefined) return { label, end: end + word.length, marked: 'building' }
  if (letter !== '') return text[end] === '区' ? null : { label, end, marked: 'nothing' }
  const number2 = weak.find((one) => text.startsWith(one, end))
  return number2 === undefined
    ? { label, end, marked: 'nothing' }
    : { label, end: end + number2.length, marked: 'number' }
}

/** The label of a table's cell; the cell itself when it is no numbered building: 东楼. */
export function buildingLabel(cell: string): string {
  const read = buildingAt(cell, 0)
  return read?.end === cell.length ? read.label : cell
}
