/** The real command line program as a process of its own; ending it is the caller's. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The Node that npm scripts run on, whatever runs the tests. */
export const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));

export interface Cli {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** The first match in what it prints on either stream. Rejects when it ends without. */
  printed(wanted: RegExp): Promise<RegExpMatchArray>;
  /** Resolves when it has ended and everything that it printed has been read. */
  ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * @param environment variables beside the caller's own; nothing of PLNTRY_ or PORT comes from there
 * @param onText instead of keeping what it prints on stderr: is told of each piece of it
 */
export function startCli(
  args: string[],
  environment: Record<string, string> = {},
  onText?: (text: string) => void,
): Cli & { stop(): Promise<void> } {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PLNTRY_') && name !== 'PORT',
  );
  // Where a server keeps its data when it is not told.
  const state = mkdtempSync(join(tmpdir(), 'plntry-state-'));
  const child = spawn(NODE, ['deploy/plntry.ts', ...args], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), XDG_STATE_HOME: state, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const wake = () => {
    for (const watcher of [...watchers]) watcher();
  };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    if (onText) onText(text);
    else stderr += text;
    wake();
  });
  const ended: Cli['ended'] = new Promise((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal }));
  });
  return {
    pid: child.pid as number,
    kill: (signal) => child.kill(signal),
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    printed(wanted) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const found = stdout.match(wanted) ?? stderr.match(wanted);
          if (!found) return;
          watchers.delete(check);
          resolve(found);
        };
        watchers.add(check);
        check();
        void ended.then(({ status }) => {
          reject(new Error(`ended with ${status} before ${wanted}:\n${stdout}\n${stderr}`));
        });
      });
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(state, { recursive: true, force: true });
    },
  };
}
