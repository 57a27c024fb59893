import t from 'tap'
import {
  readValue,
  type ValueType,
  valueTypes,
  type WordOrder,
  wordOrders,
  wordsOf,
  writeValue,
} from '../adapters/modbus/words.ts'

/** What the bytes on the wire are worth, by type and order; the first column is what a manual's memory map shows. */
const table: readonly (readonly [ValueType, WordOrder, hex: string, value: number | null])[] = [
  ['u16', 'abcd', '8001', 32_769],
  ['u16', 'badc', '0180', 32_769],
  ['u16', 'cdab', '8001', 32_769],
  ['u16', 'dcba', '0180', 32_769],
  ['s16', 'abcd', 'ff85', -123],
  ['s16', 'badc', '85ff', -123],
  ['u32', 'abcd', '0001e240', 123_456],
  ['u32', 'cdab', 'e2400001', 123_456],
  ['u32', 'badc', '010040e2', 123_456],
  ['u32', 'dcba', '40e20100', 123_456],
  ['s32', 'abcd', 'fffe1dc0', -123_456],
  ['s32', 'cdab', '1dc0fffe', -123_456],
  ['s32', 'badc', 'feffc01d', -123_456],
  ['s32', 'dcba', 'c01dfeff', -123_456],
  ['f32', 'abcd', '3f99999a', 1.2],
  ['f32', 'cdab', '999a3f99', 1.2],
  ['f32', 'badc', '993f9a99', 1.2],
  ['f32', 'dcba', '9a99993f', 1.2],
  ['f32', 'abcd', '7fc00000', null],
  ['f32', 'abcd', 'ff800000', null],
  ['f32', 'abcd', '4b800000', 16_777_216],
  ['f64', 'abcd', '400921fb54442d18', Math.PI],
  ['f64', 'dcba', '182d4454fb210940', Math.PI],
  ['f64', 'cdab', '2d18544421fb4009', Math.PI],
  ['f64', 'badc', '0940fb2144541' + '82d', Math.PI],
  ['f64', 'abcd', '7ff8000000000000', null],
  ['u64', 'abcd', '00000000075bcd15', 123_456_789],
  ['u64', 'cdab', 'cd15075b00000000', 123_456_789],
  ['s64', 'abcd', 'fffffffff8a432eb', -123_456_789],
  ['bcd16', 'abcd', '1234', 1234],
  ['bcd16', 'badc', '3412', 1234],
  ['bcd16', 'abcd', '12a4', null],
  ['bcd32', 'abcd', '12345678', 12_345_678],
  ['bcd32', 'cdab', '56781234', 12_345_678],
]

t.test('values are read in every order', async (t) => {
  for (const [type, order, hex, value] of table) {
    const read = readValue(Buffer.from(hex, 'hex'), type, order, 0)
    t.equal(read.value, value, `${type} ${order} ${hex}`)
    if (value === null) t.match(read.fault, /is (NaN|-?Infinity|no BCD)/)
  }
  t.same([...new Set(table.map(([type]) => type))].sort(), valueTypes.filter((type) => type !== 'bit').sort())
})

t.test('a bit of a register is counted from the least significant', async (t) => {
  for (let bit = 0; bit < 16; bit++) {
    const word = Buffer.from('8003', 'hex')
    t.equal(readValue(word, 'bit', 'abcd', bit).value, [0, 1, 15].includes(bit) ? 1 : 0)
  }
})

t.test('what a simulator writes is what is read', async (t) => {
  const values = {
    u16: 65_535,
    s16: -1,
    u32: 4e9,
    s32: -2e9,
    u64: 2 ** 52,
    s64: -(2 ** 52),
    f32: 0.1,
    f64: 0.1,
    bcd16: 42,
    bcd32: 99_999_999,
    bit: 1,
  }
  for (const type of valueTypes) {
    for (const order of wordOrders) {
      const bytes = writeValue(values[type], type, order, 7)
      t.equal(bytes.length, wordsOf(type) * 2)
      t.equal(readValue(bytes, type, order, 7).value, values[type], `${type} ${order}`)
    }
  }
})
