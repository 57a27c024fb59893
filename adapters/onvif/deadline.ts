/**
 * Runs work with a signal that ends it when `stop` does, or after `ms`. Not AbortSignal.any: on Node 20 each one stays with
 * a long-lived `stop` until that ends, and a camera is asked for years.
 */
export async function within<T>(stop: AbortSignal, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController()
  const stopped = () => ending.abort(stop.reason)
  const timer = setTimeout(() => ending.abort(new DOMException('no whole answer in time', 'TimeoutError')), ms)
  stop.addEventListener('abort', stopped, { once: true })
  if (stop.aborted) stopped()
  try {
    return await work(ending.signal)
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', stopped)
  }
}

/** Resolves after `ms`, or at once when `stop` ends. */
export function pause(stop: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stop.addEventListener('abort', done, { once: true })
    if (stop.aborted) done()
  })
}
