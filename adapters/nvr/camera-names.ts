import { z } from 'zod'

/** The register's ids of cameras by the recorder's names for them. */
export const cameraNames = () =>
  z
    .record(z.string().min(1).max(200), z.string().min(1).max(200))
    .transform((given): ReadonlyMap<string, string> => new Map(Object.entries(given)))
    .prefault({})
