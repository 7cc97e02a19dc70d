/** An operator that can be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('./operator-main.ts', import.meta.url));

/** Starts one as a process of its own; resolves when it drives car1. */
export async function spawnOperator(url: string, id: string) {
  const child = spawn(process.execPath, [MAIN, url, id], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child.stdout, 'data');
  return { kill: (signal: NodeJS.Signals) => child.kill(signal) };
}
