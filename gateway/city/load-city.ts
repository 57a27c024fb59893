import { readAlarmRules } from './alarm-rules.ts'
import { buildGazetteer, emptyGazetteer } from './build-gazetteer.ts'
import { readCameras, readSensors } from './cameras-and-sensors.ts'
import { readSchemes } from './categories.ts'
import type { City } from './city.ts'
import { type CityFolder, readCityFolder } from './folder.ts'
import { readNamedThings } from './gazetteer-files.ts'
import { manifestName } from './manifest.ts'
import { readDepartments, readTemplates } from './messages.ts'
import { gridCentre, readPlaces } from './places.ts'
import { type Problem, ProblemList } from './problems.ts'
import { CityReader } from './reader.ts'
import { readComponents, readTowers, readVehicleRules, towerKey } from './registers.ts'
import { readRoutes, readShifts, readWorkAreas } from './routes.ts'
import { readSubNumbers, subNumberIn } from './sub-numbers.ts'
import { byPhone, readCompanies, readSubjects } from './subjects.ts'

/** A city, or everything that keeps its folder from being one. */
export interface LoadedCity {
  /** `null` as soon as there is one problem: half a city would send cases to the wrong place. */
  readonly city: City | null
  readonly problems: readonly Problem[]
  /** The bytes it was made of; `null` without a usable manifest. */
  readonly folder: CityFolder | null
}

/** Reads, checks and indexes a city's folder. Never throws for what is in it. */
export async function loadCity(path: string): Promise<LoadedCity> {
  const problems = new ProblemList()
  const folder = await readCityFolder(path, problems)
  const city = folder === null ? null : buildCity(folder, problems)
  const sorted = problems.sorted()
  return { city: sorted.length === 0 ? city : null, problems: sorted, folder }
}

function buildCity(folder: CityFolder, problems: ProblemList): City {
  const { name, version, timeZone, gridScheme, defaultScheme, countryCode } = folder.manifest
  const reader = new CityReader(folder, problems)
  // In this order: what is referred to is read before what refers to it.
  const places = readPlaces(reader, gridScheme)
  const schemes = readSchemes(reader)
  const companies = readCompanies(reader)
  const shifts = readShifts(reader)
  const routes = readRoutes(reader)
  const workAreas = readWorkAreas(reader)
  const subjects = readSubjects(reader, companies)
  const vehicleRules = readVehicleRules(reader)
  const components = readComponents(reader, schemes)
  const towers = readTowers(reader)
  const departments = readDepartments(reader)
  const templates = readTemplates(reader)
  const cameras = readCameras(reader)
  const sensors = readSensors(reader)
  const alarmRules = readAlarmRules(reader, cameras, sensors)
  const subNumbers = readSubNumbers(reader, places.districts)
  const phones = byPhone(subjects.values(), countryCode)
  const things = readNamedThings(reader)
  const schemeAt = { file: manifestName, line: folder.defaultSchemeLine }
  reader.refer('category-schemes', defaultScheme, schemeAt, 'defaultScheme')

  const ofKind = (kind: string) => [...subjects.values()].filter((subject) => subject.kind === kind).length
  return {
    name,
    version,
    timeZone,
    gridScheme,
    defaultScheme,
    countryCode,
    locate: (point, radiusM) => places.index.locate(point, radiusM),
    tower: (mcc, mnc, lac, cell) => towers.get(towerKey(mcc, mnc, lac, cell)) ?? null,
    subject: (id) => subjects.get(id) ?? null,
    subjectByPhone: (uri) => phones.get(uri) ?? null,
    districtOfNumber: (number) => subNumberIn(subNumbers, number),
    subjects: [...subjects.values()],
    gridCentre: (grid) => gridCentre(places.grids.get(grid)),
    component: (id) => components.get(id) ?? null,
    camera: (id) => cameras.get(id) ?? null,
    sensor: (id) => sensors.get(id) ?? null,
    scheme: (id) => schemes.get(id) ?? null,
    schemeIds: [...schemes.keys()],
    route: (id) => routes.get(id) ?? null,
    shift: (id) => shifts.get(id) ?? null,
    workArea: (id) => workAreas.get(id) ?? null,
    vehicleRules,
    alarmRules,
    template: (id, audience) =>
      templates.find((one) => one.id === id && (audience === undefined || one.audience === audience)) ?? null,
    department: (code) => departments.get(code) ?? null,
    gazetteer: problems.none ? buildGazetteer(things, places.grids.values()) : emptyGazetteer,
    counts: {
      ...places.counts,
      schemes: schemes.size,
      categories: [...schemes.values()].reduce((sum, scheme) => sum + scheme.categories.length, 0),
      companies: companies.size,
      collectors: ofKind('collector'),
      vehicles: ofKind('vehicle'),
      leaders: ofKind('leader'),
      shifts: shifts.size,
      routes: routes.size,
      'work-areas': workAreas.size,
      'vehicle-rules': vehicleRules.length,
      components: components.size,
      towers: towers.size,
      'sub-numbers': subNumbers.size,
      departments: departments.size,
      'message-templates': templates.length,
      cameras: cameras.size,
      sensors: sensors.size,
      'alarm-rules': alarmRules.length,
      ...things.counts,
    },
  }
}
