import t from 'tap'
import { append, type BrokenCity, editLine, isRefused, smallFiles } from './city-fixture.ts'

/** Lines of a table that is kept by hand, and grows. */
const linesOf = (name: string) => String(smallFiles().get(name)).trimEnd().split('\n').length
const words = linesOf('category-words.csv')

const brokenWords: readonly BrokenCity[] = [
  {
    name: 'a word that its concept has in the same role already is reported, and one in another role is not',
    breakIt: (files) => append(files, 'category-words.csv', '路灯,object,外星灯 外星灯', '路灯,phrase,外星灯'),
    expected: [
      `category-words.csv:${words + 1}: "路灯 object 外星灯" is already used at category-words.csv:${words + 1}`,
    ],
  },
  {
    name: 'words with a role that does not exist, and concepts where there are none or none where there must be one',
    breakIt: (files) =>
      append(files, 'category-words.csv', '路灯,nickname,灯灯', ',object,灯灯', '路灯,aside,灯灯', '路灯,object,'),
    expected: [
      `category-words.csv:${words + 1}: column role: must be one of object, topic, fault, trouble, phrase, hint, example, part, pair, compound, aside, settled, inquiry, advert, not "nickname"`,
      `category-words.csv:${words + 2}: column concept: names what the words stand for, with the role object`,
      `category-words.csv:${words + 3}: column concept: must be empty with the role aside`,
      `category-words.csv:${words + 4}: column words: must not be empty, not ""`,
    ],
  },
  {
    name: 'pairs of concepts that no table has, or that are no pair',
    breakIt: (files) => append(files, 'category-words.csv', '路灯,pair,路灯+外星人 路灯', '路灯,compound,甲+乙+丙'),
    expected: [
      `category-words.csv:${words + 1}: column words: 外星人 of 路灯+外星人 is no concept of these tables`,
      `category-words.csv:${words + 1}: column words: 路灯 must be two concepts with a + between them`,
      `category-words.csv:${words + 2}: column words: 甲+乙+丙 must be two concepts with a + between them`,
      `category-words.csv:${words + 2}: column words: 甲 of 甲+乙+丙 is no concept of these tables`,
      `category-words.csv:${words + 2}: column words: 乙 of 甲+乙+丙 is no concept of these tables`,
      `category-words.csv:${words + 2}: column words: 丙 of 甲+乙+丙 is no concept of these tables`,
    ],
  },
  {
    name: 'a share of a concept that is no whole number from 1 to 100, and a scheme that the city does not have',
    breakIt: (files) => {
      editLine(files, 'category-concepts.csv', 2, (line) => line.replace(',34', ',0.5'))
      editLine(files, 'category-concepts.csv', 3, (line) => line.replace('cjt214_2007', 'cjt214_1999'))
    },
    expected: [
      'category-concepts.csv:2: column share: must be a whole number from 1 to 100, not "0.5"',
      'category-concepts.csv:3: column scheme: "cjt214_1999" is not in category-schemes',
    ],
  },
]

for (const broken of brokenWords) t.test(broken.name, isRefused(broken))
