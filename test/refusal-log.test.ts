import t from 'tap'
import { RefusalLog } from '../gateway/refusal-log.ts'

function underTest() {
  const said: string[] = []
  const clock = { now: 1_000 }
  const log = new RefusalLog({
    now: () => clock.now,
    line: (reason, { peer }) => said.push(`${reason} ${peer}`),
    rest: (reason, count) => said.push(`${reason} and ${count} more`),
  })
  const crowd = (reason: string, count: number) => {
    for (let peer = 1; peer <= count; peer++) log.add(reason, { peer })
  }
  return { said, clock, log, crowd }
}

t.test('the first twenty refusals of a minute have a line each, and the others one line when it is over', async (t) => {
  const { said, clock, log, crowd } = underTest()
  crowd('stranger', 5000)
  t.equal(said.length, 20)
  t.same([said[0], said[19]], ['stranger 1', 'stranger 20'])
  clock.now += 59_999
  log.sweep()
  t.equal(said.length, 20)
  clock.now += 1
  log.sweep()
  log.sweep()
  t.same(said.slice(20), ['stranger and 4980 more'])
})

t.test('one that comes after a quiet minute is logged in full behind what the last minute left', async (t) => {
  const { said, clock, log, crowd } = underTest()
  crowd('stranger', 21)
  clock.now += 60_000
  log.add('stranger', { peer: 'late' })
  t.same(said.slice(20), ['stranger and 1 more', 'stranger late'])
})

t.test('each reason has lines of its own', async (t) => {
  const { said, clock, log, crowd } = underTest()
  crowd('stranger', 25)
  crowd('too large', 3)
  t.same(said.slice(20), ['too large 1', 'too large 2', 'too large 3'])
  clock.now += 60_000
  log.sweep()
  t.same(said.slice(23), ['stranger and 5 more'], 'nothing is said of a reason that had all its lines')
})

t.test('at the end the number is said without waiting for the minute', async (t) => {
  const { said, log, crowd } = underTest()
  crowd('stranger', 22)
  log.close()
  log.close()
  t.same(said.slice(20), ['stranger and 2 more'])
})
