import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What depends on the machine's time comes first, and what keeps it from having any last. */
const FIRST = '/test/network/';
const LAST = '/test/attack/';

class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      moduleId.includes(FIRST) ? 0 : moduleId.includes(LAST) ? 2 : 1;
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    // Only against hanging: real brokers, browsers and processes start in these tests.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Processes of their own: native modules and signals don't like worker threads.
    pool: 'forks',
    // One file at a time: each has a server, a vehicle and browsers of its own, which drive in real time.
    maxWorkers: 1,
    sequence: { sequencer: Sequencer },
  },
});
