import { speedKmhBetween } from './filters.ts'
import type { TriageLimits } from './limits.ts'
import type { RememberedFix, SubjectMemory } from './memory.ts'

/** The memory after an accepted fix. A late one is remembered as seen, and is not where the subject is. */
export function remember(
  memory: SubjectMemory,
  fix: RememberedFix,
  late: boolean,
  limits: TriageLimits,
): SubjectMemory {
  const { recent } = memory
  const kept =
    recent.length < limits.rememberedFixes ? recent : recent.slice(recent.length - limits.rememberedFixes + 1)
  return { ...memory, last: late ? memory.last : fix, recent: [...kept, fix], jump: late ? memory.jump : null }
}

/**
 * A device that really moved (in a lorry, switched off) must not be locked out for ever: enough newer fixes that agree
 * with each other are believed. Returns what is remembered of that, and whether this fix is the one that convinces.
 */
export function insist(
  memory: SubjectMemory,
  fix: RememberedFix,
  limits: TriageLimits,
): { readonly memory: SubjectMemory; readonly believed: boolean } {
  const { last, jump } = memory
  if (last !== null && fix[0] <= last[0]) return { memory, believed: false }
  if (jump !== null && fix[0] <= jump.fix[0]) return { memory, believed: false }
  const agrees = jump !== null && speedKmhBetween(jump.fix, fix) <= limits.maxSpeedKmh
  const count = agrees ? jump.count + 1 : 1
  if (count >= limits.jumpFixes) return { memory: { ...memory, recent: [], jump: null }, believed: true }
  return { memory: { ...memory, jump: { fix, count } }, believed: false }
}
