import type { Duplex } from 'node:stream'

/** What a write costs that waits, beside its bytes: an unread PUBACK is three writes and four bytes. */
const bytesPerWrite = 128

type Done = (error?: Error | null) => void

/**
 * Bounds what is kept for a client that does not read: at the first write that finds more than `limitBytes` waiting the
 * socket is destroyed. The largest chunk is not counted, so that one message may be as large as a frame; a client that
 * reads, however slowly, is kept as long as it stays within the limit.
 *
 * No write asks to wait for `drain`. aedes would, and as it delivers to a hundred at a time over all clients, one that
 * does not read would keep everybody's messages from everybody else.
 */
export function limitUnread(socket: Duplex, limitBytes: number, exceeded: (bytes: number) => void): void {
  const write = socket.write.bind(socket)
  let writes = 0
  let largestBytes = 0
  socket.write = (chunk: unknown, second?: BufferEncoding | Done, third?: Done) => {
    const given = typeof second === 'function' ? second : third
    const written: Done = (error) => {
      writes--
      given?.(error)
    }
    if (socket.writableLength === 0) largestBytes = 0
    const waitingBytes = socket.writableLength - largestBytes + writes * bytesPerWrite
    if (waitingBytes > limitBytes && !socket.destroyed) {
      exceeded(waitingBytes)
      socket.destroy()
    }
    if (chunk instanceof Uint8Array) largestBytes = Math.max(largestBytes, chunk.length)
    writes++
    // A destroyed stream keeps nothing of it and says so to `written` alone.
    write(chunk, typeof second === 'string' ? second : 'utf8', written)
    return true
  }
}
