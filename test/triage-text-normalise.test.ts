import t from 'tap'
import { normalise, originalOf } from '../gateway/triage/text/normalise.ts'

t.test('full width, traditional characters and capitals become what the tables are written in', (t) => {
  t.equal(normalise('文昌路１２０號，ＡＢＣ').text, '文昌路120号,abc')
  t.equal(normalise('井蓋不見了，路燈壞了').text, '井盖不见了,路灯坏了')
  t.equal(normalise('约20㎡的坑').text, '约20m2的坑')
  t.equal(normalise('文昌中路一百二十号').text, '文昌中路一百二十号', 'numerals stay')
  t.end()
})

t.test('blanks and repeated marks are collapsed, and nothing that parts words or fields', (t) => {
  t.equal(normalise('路 灯 不 亮').text, '路灯不亮')
  t.equal(normalise('文昌路 120 号').text, '文昌路120号')
  t.equal(normalise('路灯不亮   井盖没了').text, '路灯不亮 井盖没了')
  t.equal(normalise('路灯不亮 \r\n\r\n 井盖没了').text, '路灯不亮\n井盖没了')
  t.equal(normalise('快来人！！！！！！').text, '快来人!')
  t.equal(normalise('张三##路灯不亮').text, '张三##路灯不亮')
  t.equal(normalise('路\u200b灯\ufeff不亮').text, '路灯不亮')
  t.end()
})

t.test('every part of the normalised text leads back to the words that were written', (t) => {
  const written = '你好！！！　文昌路１２０號門口，井 蓋 不 見 了😀，约20㎡'
  const read = normalise(written)
  const at = (words: string) => {
    const from = read.text.indexOf(words)
    t.ok(from >= 0, words)
    return originalOf(read, from, from + words.length)
  }
  t.equal(at('120号'), '１２０號')
  t.equal(at('井盖不见了'), '井 蓋 不 見 了')
  t.equal(at('你好'), '你好')
  t.equal(at('m2'), '㎡')
  t.equal(at('了😀'), '了😀')
  t.equal(originalOf(read, 0, read.text.length), written)
  t.equal(originalOf(read, 3, 3), '')
  const same = normalise('路灯不亮')
  t.equal(originalOf(same, 0, 2), '路灯')
  t.end()
})

t.test('nothing that can be written makes it fail', (t) => {
  for (const text of [
    '',
    ' ',
    '\n\n',
    '\ud800',
    '路\udc00灯',
    '\u0000\u0007',
    '，'.repeat(70_000),
    '井盖'.repeat(40_000),
  ])
    t.ok(normalise(text).text.length <= text.length, JSON.stringify(text.slice(0, 10)))
  t.equal(normalise('\n\n').text, '\n')
  t.end()
})
