import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a page shows is waited for, never read once: it may be a frame late.
    expect: { poll: { timeout: 15_000 } },
    // A test mostly waits; more at once than this would be short of two cores.
    maxWorkers: 3,
    pool: 'forks',
    reporters: ['verbose'],
  },
})
