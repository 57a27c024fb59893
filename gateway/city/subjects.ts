import { z } from 'zod'
import { subscriberUri } from '../subscriber.ts'
import { coordinateSystem, id, list, optionalText, text } from './cells.ts'
import type { Place, Subject } from './city.ts'
import type { CityReader, Row } from './reader.ts'

const person = { id: id(), name: text(), phone: optionalText(), coordinateSystem: coordinateSystem() }
const leaderColumns = z.object(person)
const collectorColumns = z.object({ ...person, company: text(), workGrids: list() })
const vehicleColumns = z.object({
  ...person,
  company: text(),
  routeId: optionalText(),
  shiftId: optionalText(),
  workAreaId: optionalText(),
})
const companyColumns = z.object({ code: id(), name: text(), kind: z.enum(['collection', 'sanitation']) })

/** One name space for everything that speaks with an id of its own, whatever it is. */
export const deviceSpace = 'devices'

/** Companies by code. */
export function readCompanies(reader: CityReader): Map<string, Place> {
  const companies = new Map<string, Place>()
  for (const row of reader.rows('companies', companyColumns)) {
    const { code, name } = row.value
    if (reader.define('companies', code, row)) companies.set(code, Object.freeze({ code, name }))
  }
  return companies
}

/** Collectors, vehicles and leaders by device id. */
export function readSubjects(reader: CityReader, companies: ReadonlyMap<string, Place>): Map<string, Subject> {
  const subjects = new Map<string, Subject>()
  const add = (row: Row<unknown>, subject: Subject) => {
    if (reader.define(deviceSpace, subject.id, row)) subjects.set(subject.id, Object.freeze(subject))
  }
  for (const row of reader.rows('collectors', collectorColumns)) {
    const { company, ...own } = row.value
    reader.refer('companies', company, row, 'column company')
    for (const grid of own.workGrids) reader.refer('grids', grid, row, 'column workGrids')
    add(row, { ...nothing, ...own, kind: 'collector', company: companies.get(company) ?? null })
  }
  for (const row of reader.rows('vehicles', vehicleColumns)) {
    const { company, ...own } = row.value
    reader.refer('companies', company, row, 'column company')
    reader.refer('routes', own.routeId, row, 'column routeId')
    reader.refer('shifts', own.shiftId, row, 'column shiftId')
    reader.refer('work-areas', own.workAreaId, row, 'column workAreaId')
    add(row, { ...nothing, ...own, kind: 'vehicle', company: companies.get(company) ?? null })
  }
  for (const row of reader.rows('leaders', leaderColumns)) add(row, { ...nothing, ...row.value, kind: 'leader' })
  return subjects
}

const nothing = { company: null, workGrids: [], routeId: null, shiftId: null, workAreaId: null } as const

/** The first who has a number; several devices may share one. */
export function byPhone(subjects: Iterable<Subject>, countryCode: string): Map<string, Subject> {
  const phones = new Map<string, Subject>()
  for (const subject of subjects) {
    if (subject.phone === null) continue
    const uri = subscriberUri(subject.phone, countryCode)
    if (!phones.has(uri)) phones.set(uri, subject)
  }
  return phones
}
