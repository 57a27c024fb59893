import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { City } from './city.ts'
import { CityRefused, importedFolder } from './import.ts'
import { manifestName, readManifest } from './manifest.ts'
import { ProblemList } from './problems.ts'

/** Below zero when `a` is older than `b`: numbers count as numbers, so 2026.9 is older than 2026.11. */
export function compareVersions(a: string, b: string): number {
  const [as, bs] = [parts(a), parts(b)]
  for (let i = 0; i < Math.max(as.length, bs.length); i++) {
    const difference = compareParts(as[i], bs[i])
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether the configured folder is a later version of the imported city; logs why not where somebody may wonder. */
export async function configuredIsNewer(
  imported: City,
  configuredFolder: string,
  dataFolder: string,
  log: Logger,
): Promise<boolean> {
  const bytes = await readFile(join(configuredFolder, manifestName))
  const problems = new ProblemList()
  const configured = readManifest(bytes.toString('utf8'), problems)?.manifest
  if (configured === undefined) throw new CityRefused(configuredFolder, problems.sorted())
  const fields = { imported: imported.version, configured: configured.version, city: imported.name }
  if (configured.name !== imported.name) {
    log.warn({ ...fields, other: configured.name }, 'configured folder is another city, the imported one stays')
    return false
  }
  const order = compareVersions(configured.version, imported.version)
  if (order < 0) log.info(fields, 'configured city is older, the imported one stays')
  if (order === 0) {
    const kept = await readFile(join(importedFolder(dataFolder, imported.version), manifestName))
    if (!kept.equals(bytes))
      log.warn(fields, 'configured city was changed without a new version, the imported one stays')
  }
  return order > 0
}

function parts(version: string): (number | string)[] {
  return (version.match(/\d+|[A-Za-z]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part))
}

/** A missing part comes first, so 2026.11 is older than 2026.11.1; words come before numbers, as in 1.rc and 1.0. */
function compareParts(a: number | string | undefined, b: number | string | undefined): number {
  const rank = (part: typeof a) => (part === undefined ? 0 : typeof part === 'string' ? 1 : 2)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (a === undefined || b === undefined || a === b) return 0
  return a < b ? -1 : 1
}
