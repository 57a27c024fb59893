import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { describe } from '../errors.ts'
import type { City } from './city.ts'
import { CityRefused, currentFile, currentVersion, importCity, importedFolder } from './import.ts'
import { loadCity } from './load-city.ts'
import { formatProblems } from './problems.ts'
import { configuredIsNewer } from './versions.ts'

/** The city in force. Ask `current()` for each piece of work: a switch gives a new object, the old one stays whole. */
export interface CityHolder {
  current(): City
  /** Looks whether another version is in force and loads it. Never rejects: what cannot be used is logged. */
  reload(): Promise<void>
  /** Ends the watch. Idempotent. */
  stop(): void
}

/** Calls `look` again and again until the function it returns is called. */
export type Watch = (look: () => void) => () => void

const everyTwoSeconds: Watch = (look) => {
  const timer = setInterval(look, 2000).unref()
  return () => clearInterval(timer)
}

const problemsLogged = 20

/**
 * Opens the imported city, importing the configured folder when nothing is imported yet, and follows later switches.
 *
 * Afterwards the configured folder is taken at a start only when it is the same city (by name) in a newer version.
 * Otherwise the imported one stays, which was checked whole: an older or changed folder is a leftover or an edit under
 * way, and a folder of another city is most often the default that nobody changed. What is not taken is logged.
 *
 * @throws {GatewayError} CITY_INVALID: neither the imported city nor the configured folder can be used
 */
export async function openCity(
  dataFolder: string,
  configuredFolder: string,
  log: Logger,
  watch: Watch = everyTwoSeconds,
): Promise<CityHolder> {
  const city = (await openImported(dataFolder, log)) ?? (await importCity(configuredFolder, dataFolder))
  return follow(await newer(city, dataFolder, configuredFolder, log), dataFolder, log, watch)
}

/** `null` when there is none or it cannot be used; then the configured folder is the last that can help. */
async function openImported(dataFolder: string, log: Logger): Promise<City | null> {
  try {
    const version = await currentVersion(dataFolder)
    return version === null ? null : await loadImported(dataFolder, version)
  } catch (error) {
    log.error(refusal(error), 'imported city cannot be used, trying the configured one')
    return null
  }
}

/** The configured folder's city when it replaces the imported one, else the imported one. */
async function newer(imported: City, dataFolder: string, configuredFolder: string, log: Logger): Promise<City> {
  try {
    if (!(await configuredIsNewer(imported, configuredFolder, dataFolder, log))) return imported
    const city = await importCity(configuredFolder, dataFolder)
    log.info({ city: city.name, from: imported.version, to: city.version }, 'city imported')
    return city
  } catch (error) {
    log.error({ ...refusal(error), kept: imported.version }, 'configured city refused, the imported one stays')
    return imported
  }
}

function follow(first: City, dataFolder: string, log: Logger, watch: Watch): CityHolder {
  let city = first
  let seen = ''
  let looking = Promise.resolve()
  const look = async (force: boolean) => {
    try {
      const mark = await markOf(dataFolder)
      if (mark === seen && !force) return
      seen = mark
      const version = await currentVersion(dataFolder)
      if (version === null || version === city.version) return
      const next = await loadImported(dataFolder, version)
      log.info({ city: next.name, from: city.version, to: next.version }, 'city switched')
      city = next
    } catch (error) {
      log.error({ ...refusal(error), kept: city.version }, 'new city refused, the old one stays')
    }
  }
  // One look at a time, or an older answer could arrive after a newer one.
  const queue = (force: boolean) => {
    looking = looking.then(() => look(force))
    return looking
  }
  const stop = watch(() => void queue(false))
  return { current: () => city, reload: () => queue(true), stop }
}

async function loadImported(dataFolder: string, version: string): Promise<City> {
  const folder = importedFolder(dataFolder, version)
  const { city, problems } = await loadCity(folder)
  if (city === null) throw new CityRefused(folder, problems)
  return city
}

/** Changes with every switch: a rename brings another file. */
async function markOf(dataFolder: string): Promise<string> {
  const { ino, mtimeNs } = await stat(currentFile(dataFolder), { bigint: true })
  return `${ino} ${mtimeNs}`
}

function refusal(error: unknown): { readonly reason: string } {
  if (!(error instanceof CityRefused)) return { reason: describe(error) }
  return { reason: formatProblems(error.problems, problemsLogged) }
}
