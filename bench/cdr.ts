import { writeJsonCdr } from '../adapters/freeswitch/cdr-write.ts'
import { courseOf } from '../simulators/freeswitch-call.ts'
import { compareHttp } from './http-compare.ts'

/** CDRs over HTTP, each answered after its commit, beside a fastify that reads them and stores nothing. */

/** About 3 KiB, as many variables as a queue's leg has; only the ids and times differ. */
const template = (() => {
  const making = { coreUuid: 'c', uuid: () => '@uuid@', sequence: () => 1 }
  const plan = {
    caller: '13812345678',
    dnis: '12319',
    seat: '8001',
    digits: '12',
    outcome: 'answered',
    ringS: 4,
  } as const
  const [cdr] = courseOf({ ...plan, talkS: 60, startedAt: new Date('2026-11-24T02:00:00Z') }, making).records
  if (cdr === undefined) throw new Error('a call has a record')
  const more = Array.from({ length: 50 }, (_, i) => [`sip_variable_${i}`, `value of ${i} at 192.0.2.21`])
  return writeJsonCdr({ ...cdr, variables: { ...cdr.variables, ...Object.fromEntries(more) } }, true)
})()

let made = 0
function record(): string {
  made++
  return template.replaceAll('@uuid@', `00000000-0000-4000-a000-${made.toString(16).padStart(12, '0')}`)
}

await compareHttp({ what: 'CDRs', adapter: { name: 'pbx', kind: 'freeswitch-cdr' }, record })
