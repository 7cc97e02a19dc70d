import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    // Only against hanging: real brokers, browsers and processes start in these tests.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Processes of their own: native modules and signals don't like worker threads.
    pool: 'forks',
    maxWorkers: 2,
  },
});
