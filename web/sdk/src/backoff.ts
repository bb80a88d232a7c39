/**
 * Exponential back-off with full jitter: the n-th wait is a random time up to min(ceiling, base × 2^n), so that clients
 * of a restarted server come back spread out.
 */
export function backoff(attempt: number, random: () => number, baseMs = 500, ceilingMs = 30_000): number {
  return Math.round(random() * Math.min(ceilingMs, baseMs * 2 ** Math.min(attempt, 16)))
}
