import { z } from 'zod'
import { hoursOf } from '../triage/local-time.ts'
import { id, list, optionalText, text } from './cells.ts'
import type { Department, MessageTemplate } from './city.ts'
import type { CityReader } from './reader.ts'

/** Words that the city writes to people, and the departments it writes to. */

const templateColumns = z.object({
  id: id(),
  audience: z.enum(['citizen', 'collector', 'department'], 'must be citizen, collector or department'),
  title: optionalText(),
  text: text(),
  urgent: z.enum(['yes', 'no'], 'must be yes or no'),
  stage: z
    .string()
    .regex(/^([a-z][a-z0-9-]{0,62})?$/, 'must be a word such as rejected')
    .transform((cell) => (cell === '' ? null : cell)),
})

/** The gateway itself fills these; whatever else they ask for would never be there. */
const filledHere: Readonly<Record<string, readonly string[]>> = {
  received: ['queryNumber'],
  state: ['queryNumber', 'state'],
  help: [],
}

const phone = /^\+?[0-9]{3,15}$/

const departmentColumns = z.object({
  code: id(),
  name: text(),
  phones: list().refine((phones) => phones.every((one) => phone.test(one)), 'must be numbers with spaces between them'),
  dutyHours: z.string().transform((cell, context) => {
    const hours = cell === '' ? null : hoursOf(cell)
    if (cell === '' || hours !== null) return hours
    context.addIssue({ code: 'custom', message: 'must be hours such as 08:00-18:00, or empty' })
    return z.NEVER
  }),
})

export function readTemplates(reader: CityReader): MessageTemplate[] {
  return reader.rows('message-templates', templateColumns).flatMap((row) => {
    const { urgent, ...template } = row.value
    for (const [column, words] of [
      ['text', template.text],
      ['title', template.title ?? ''],
    ] as const) {
      const left = words.replace(/\{[a-z][A-Za-z]*\}/g, '')
      if (/[{}]/.test(left)) reader.problem(row, `column ${column}: has a brace that is no field such as {caseNumber}`)
    }
    const given = template.audience === 'citizen' ? filledHere[template.id] : undefined
    if (given !== undefined) {
      const asked = [...`${template.title ?? ''}${template.text}`.matchAll(/\{([a-z][A-Za-z]*)\}/g)].map(
        (m) => m[1] ?? '',
      )
      for (const name of asked.filter((one) => !given.includes(one)))
        reader.problem(row, `column text: {${name}} is not among what the gateway fills in here: ${given.join(', ')}`)
    }
    const first = reader.define('message-templates', `${template.id} for ${template.audience}`, row)
    return first ? [Object.freeze({ ...template, urgent: urgent === 'yes' })] : []
  })
}

/** Departments by code. */
export function readDepartments(reader: CityReader): Map<string, Department> {
  const departments = new Map<string, Department>()
  for (const row of reader.rows('departments', departmentColumns)) {
    if (reader.define('departments', row.value.code, row)) departments.set(row.value.code, Object.freeze(row.value))
  }
  return departments
}
