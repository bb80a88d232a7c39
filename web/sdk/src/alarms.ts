/** Timers that also ring on time in a hidden tab, where the page's own are slowed to one a minute. */
export interface Alarms {
  /** Calls `ring` once after `ms`; returns the function that cancels it. */
  set: (ms: number, ring: () => void) => () => void
}

/** The page's own timers; right for Node. */
export const pageAlarms: Alarms = {
  set(ms, ring) {
    const timer = setTimeout(ring, ms)
    return () => clearTimeout(timer)
  },
}

/** Timers of a Web Worker that runs alarms_worker.ts. */
export function workerAlarms(worker: Worker): Alarms {
  const waiting = new Map<number, () => void>()
  let last = 0
  worker.onmessage = (event: MessageEvent<number>) => {
    const ring = waiting.get(event.data)
    waiting.delete(event.data)
    ring?.()
  }
  return {
    set(ms, ring) {
      const id = ++last
      waiting.set(id, ring)
      worker.postMessage({ id, ms })
      return () => waiting.delete(id)
    },
  }
}
