import { fileURLToPath } from 'node:url'

/** The folder that holds package.json, `config/` and `prisma/`, with a slash at its end. Compiled code lives two below. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url))
