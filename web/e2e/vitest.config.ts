import { defineConfig } from 'vitest/config'

/** What a busy machine would disturb: they look at single frames, at silence, or measure. */
const ALONE = ['tests/history.test.ts', 'tests/network.test.ts', 'tests/speed.test.ts']

const common = {
  testTimeout: 90_000,
  hookTimeout: 60_000,
  // What a page shows is waited for, never read once: it may be a frame late.
  expect: { poll: { timeout: 30_000 } },
  pool: 'forks' as const,
}

export default defineConfig({
  test: {
    reporters: ['verbose'],
    projects: [
      // Most tests wait most of the time; more at once than this would be short of two cores.
      { test: { ...common, name: 'together', include: ['tests/**/*.test.ts'], exclude: ALONE, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { test: { ...common, name: 'alone', include: ALONE, maxWorkers: 1, fileParallelism: false, sequence: { groupOrder: 1 } } },
    ],
  },
})
