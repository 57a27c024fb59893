import { type CallCourse, type CallPlan, channelRow, courseOf } from './freeswitch-call.ts'
import { type CdrModule, CdrPoster } from './freeswitch-cdr.ts'
import { EslServer } from './freeswitch-esl.ts'
import { seeded } from './seeded.ts'

/** A FreeSWITCH of a hotline: an Event Socket, a module that posts CDRs, and calls that somebody makes. */
export interface PbxSetup {
  /** 0: the system chooses; `null`: there is no Event Socket. */
  readonly eslPort: number | null
  readonly password?: string
  /** `null`: no CDRs are posted. */
  readonly cdr: (Partial<CdrModule> & { readonly url: string }) | null
  /** Seconds of a call in a second of the world: 1 is real time; `null`: a call is over as soon as it is made. */
  readonly pace?: number | null
  /** Of live events, and of CDRs, so many are lost on purpose: 0 to 1. */
  readonly loseEvents?: number
  readonly loseCdrs?: number
  readonly seed?: number
}

/** The exchange's own count of what it did. */
export interface PbxTally {
  calls: number
  legs: number
  readonly outcomes: Record<CallPlan['outcome'], number>
  eventsSent: number
  eventsLost: number
  cdrsPosted: number
  cdrsLost: number
  /** Not taken by anybody after all retries. */
  cdrsOnDisk: number
}

export interface Pbx {
  readonly eslPort: number | null
  readonly esl: EslServer
  readonly tally: PbxTally
  /** Where CDRs are posted from now on, as the module of `setup.cdr` does it. */
  postTo(url: string): void
  /** Resolves when the call is over and its CDRs are posted, or on disk. */
  call(plan: Partial<CallPlan>): Promise<CallCourse>
  stop(): Promise<void>
}

export async function startPbx(setup: PbxSetup): Promise<Pbx> {
  const { pace = null, loseEvents = 0, loseCdrs = 0, seed = 12319 } = setup
  const random = seeded(seed)
  // Of their own, so that what is lost changes no call.
  const luck = seeded(seed + 1)
  const esl = new EslServer(setup.password ?? 'ClueCon')
  const eslPort = setup.eslPort === null ? null : await esl.listen(setup.eslPort)
  let poster = setup.cdr === null ? null : new CdrPoster({ ...moduleDefaults, ...setup.cdr })
  const tally: PbxTally = {
    calls: 0,
    legs: 0,
    outcomes: { answered: 0, refused: 0, busy: 0, 'no-answer': 0, abandoned: 0, menu: 0 },
    eventsSent: 0,
    eventsLost: 0,
    cdrsPosted: 0,
    cdrsLost: 0,
    cdrsOnDisk: 0,
  }
  const uuid = () => uuidOf(random)
  const coreUuid = uuid()
  let sequence = 0
  const making = { coreUuid, uuid, sequence: () => ++sequence }
  const living = new Map<string, Readonly<Record<string, string>>>()
  esl.channels = () => [...living.values()]
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false

  async function happen(course: CallCourse): Promise<void> {
    let before = course.steps[0]?.atMs ?? 0
    for (const { atMs, event } of course.steps) {
      if (pace !== null) await pause((atMs - before) / pace)
      before = atMs
      if (stopped) return
      live(course, event)
      if (luck() < loseEvents) tally.eventsLost++
      else {
        esl.send(event)
        tally.eventsSent++
      }
    }
  }

  function live({ records }: CallCourse, event: Readonly<Record<string, string>>): void {
    const leg = event['Unique-ID'] ?? ''
    const record = records.find((one) => one.uuid === leg)
    if (event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE') living.delete(leg)
    else if (event['Event-Name'] === 'CHANNEL_CREATE' && record !== undefined) living.set(leg, channelRow(record))
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        resolve()
      }, ms)
      timers.add(timer)
    })
  }

  async function post(course: CallCourse): Promise<void> {
    if (poster === null) return
    for (const record of course.records) {
      if (luck() < loseCdrs) tally.cdrsLost++
      else if (await poster.post(record)) tally.cdrsPosted++
      else tally.cdrsOnDisk++
    }
  }

  return {
    eslPort,
    esl,
    tally,
    postTo(url) {
      poster = new CdrPoster({ ...moduleDefaults, ...setup.cdr, url })
    },
    async call(given) {
      const plan = { ...ordinary(random), ...given }
      const course = courseOf(plan, making)
      tally.calls++
      tally.legs += course.records.length
      tally.outcomes[plan.outcome]++
      await happen(course)
      await post(course)
      return course
    },
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await (eslPort === null ? undefined : esl.close())
    },
  }
}

const moduleDefaults = {
  format: 'json',
  wrapping: 'json',
  encodeValues: true,
  cred: null,
  retries: 2,
  delayMs: 5000,
  timeoutMs: 10_000,
} as const

function ordinary(random: () => number): CallPlan {
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('')
  return {
    caller: `138${digits(8)}`,
    dnis: '12319',
    seat: `80${1 + Math.floor(random() * 9)}`,
    digits: '1',
    outcome: 'answered',
    startedAt: new Date(),
    ringS: 3 + Math.floor(random() * 10),
    talkS: 20 + Math.floor(random() * 180),
  }
}

/** Of the form of an UUID of version 4, and the same for the same seed. */
function uuidOf(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
