import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError } from '../errors.ts'
import type { City } from './city.ts'
import type { CityFolder } from './folder.ts'
import { loadCity } from './load-city.ts'
import { manifestName, versionPattern } from './manifest.ts'
import { formatProblems, type Problem } from './problems.ts'

/** A city that is not taken: CITY_INVALID, every problem in the message, one a line. */
export class CityRefused extends GatewayError {
  readonly problems: readonly Problem[]

  constructor(folder: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    super('CITY_INVALID', `${folder} has ${count}\n${formatProblems(problems)}`)
    this.problems = problems
  }
}

/**
 * Checks a city's folder, copies what was checked to `<dataFolder>/city/<version>/` and makes it current. The current
 * city is switched by one rename after everything is on the disk, so a crash leaves the old city or the new one. An
 * older version is taken too: that is how a city is switched back.
 *
 * @throws {CityRefused} the folder has problems; nothing is changed
 * @throws {GatewayError} CITY_INVALID: this version was imported before with other content
 */
export async function importCity(sourceFolder: string, dataFolder: string): Promise<City> {
  const { city, problems, folder } = await loadCity(sourceFolder)
  if (city === null || folder === null) throw new CityRefused(sourceFolder, problems)
  await keep(folder, dataFolder)
  await switchTo(city.version, dataFolder)
  return city
}

/** The folder that an imported version is kept in. */
export function importedFolder(dataFolder: string, version: string): string {
  return join(dataFolder, 'city', version)
}

/** The file that names the version in force. */
export function currentFile(dataFolder: string): string {
  return join(dataFolder, 'city', 'current')
}

/** The version in force; `null` when nothing was imported yet. @throws {GatewayError} CITY_INVALID: no version in it */
export async function currentVersion(dataFolder: string): Promise<string | null> {
  const version = (await readIfThere(currentFile(dataFolder)))?.toString('utf8').trim() ?? null
  if (version !== null && !versionPattern.test(version)) {
    throw new GatewayError('CITY_INVALID', `${currentFile(dataFolder)} names no version`)
  }
  return version
}

async function keep(folder: CityFolder, dataFolder: string): Promise<void> {
  const target = importedFolder(dataFolder, folder.manifest.version)
  const before = await readIfThere(join(target, manifestName))
  // The manifest holds the digest of every file, so equal manifests mean equal cities.
  if (before !== null && !before.equals(folder.manifestBytes)) {
    throw new GatewayError(
      'CITY_INVALID',
      `version ${folder.manifest.version} was imported before with other content; give the changed city a new version`,
    )
  }
  if (before === null || (await loadCity(target)).problems.length > 0) await copy(folder, target, dataFolder)
}

/** Written beside its place and synced before it gets its name: a folder named by a version is complete. */
async function copy(folder: CityFolder, target: string, dataFolder: string): Promise<void> {
  const parent = join(dataFolder, 'city')
  const draft = join(parent, `.importing-${randomUUID()}`)
  await mkdir(draft, { recursive: true })
  try {
    for (const file of folder.files) await writeSynced(join(draft, file.name), file.bytes)
    await writeSynced(join(draft, manifestName), folder.manifestBytes)
    await syncFolder(draft)
    // Only a damaged copy of the very same city can be in the way here.
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
    await syncFolder(parent)
    await syncFolder(dataFolder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function switchTo(version: string, dataFolder: string): Promise<void> {
  const draft = `${currentFile(dataFolder)}.${randomUUID()}`
  await writeSynced(draft, Buffer.from(`${version}\n`))
  await rename(draft, currentFile(dataFolder))
  await syncFolder(join(dataFolder, 'city'))
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o640)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
