/** The real command line program as a process that ends with the test. */
import { onTestFinished } from 'vitest';
import { type Cli, startCli } from './process.ts';

export type { Cli } from './process.ts';

/** @param environment variables beside the test's own; nothing of PLNTRY_ or PORT comes from there */
export function spawnCli(args: string[], environment: Record<string, string> = {}): Cli {
  const cli = startCli(args, environment);
  onTestFinished(cli.stop);
  return cli;
}
