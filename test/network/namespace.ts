/**
 * A network namespace that lives as long as a process which holds it. Neither it nor its interfaces have
 * a name outside, so that any number of them can exist at once, and nothing stays when a run is killed.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';

/** Daemons' and administrators' programs are not on everybody's path. */
export const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

export interface Finished {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  /** Variables beside those of this process. */
  env?: Record<string, string>;
  /** What the program reads. */
  input?: string;
}

export interface Namespace {
  /** Of the process that holds it, by which other programs find it. */
  pid: number;
  /** Program and arguments that run another program in here. */
  enter(command: string, ...args: string[]): [string, string[]];
  /** Runs a program to its end, whatever that is. */
  exec(command: string, args: string[], options?: RunOptions): Promise<Finished>;
  /** Process ids of all that runs in here. */
  processes(): number[];
  /** Starts a program, which ends with the namespace or this process at the latest. */
  spawn(command: string, args: string[], options?: SpawnOptions): ChildProcess;
  /** Runs a program that must succeed. Rejects with what it said. */
  must(command: string, args: string[], input?: string): Promise<string>;
  /** `ip`, with commands one by one. */
  ip(...commands: string[]): Promise<string>;
  close(): Promise<void>;
}

const HOLD = `
ip link set lo up
for name in all default; do echo 0 > /proc/sys/net/ipv4/conf/$name/rp_filter; done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo held
exec cat
`;

/** Of a process, as the kernel calls it; null when the process is gone. */
function namespaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

export async function createNamespace(): Promise<Namespace> {
  const holder = spawn('unshare', ['--net', 'sh', '-ec', HOLD], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PATH },
  });
  const ended = once(holder, 'exit');
  await Promise.race([
    once(holder.stdout, 'data'),
    ended.then(([status]) => Promise.reject(new Error(`unshare ended with ${status}`))),
  ]);
  const pid = holder.pid as number;
  const running = new Set<ChildProcess>();

  const enter = (command: string, ...args: string[]): [string, string[]] => [
    'nsenter',
    [`--net=/proc/${pid}/ns/net`, '--', command, ...args],
  ];

  const exec: Namespace['exec'] = (command, args, { cwd, env, input = '' } = {}) =>
    new Promise((resolve, reject) => {
      const [program, all] = enter(command, ...args);
      const options = { cwd, env: { ...process.env, PATH, ...env }, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(program, all, options, (error, stdout, stderr) => {
        running.delete(child);
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
      });
      running.add(child);
      child.stdin?.on('error', () => {}).end(input);
    });

  const must: Namespace['must'] = async (command, args, input = '') => {
    const { status, stdout, stderr } = await exec(command, args, { input });
    if (status === 0) return stdout;
    throw new Error(
      `${command} ${args.join(' ')} ended with ${status}: ${stderr}${input && `\nof ${input}`}`,
    );
  };

  return {
    pid,
    enter,
    exec,
    must,
    processes() {
      const here = namespaceOf(pid);
      return readdirSync('/proc')
        .map(Number)
        .filter((one) => here !== null && one !== pid && namespaceOf(one) === here);
    },
    ip: (...commands) => must('ip', ['-batch', '-'], `${commands.join('\n')}\n`),
    spawn(command, args, options = {}) {
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...enter(command, ...args).flat()], {
        ...options,
        env: { ...process.env, PATH, ...options.env },
      });
      running.add(child);
      child.once('exit', () => running.delete(child));
      return child;
    },
    async close() {
      await Promise.all(
        [...running].map((child) => {
          const exit = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGKILL');
          return exit;
        }),
      );
      holder.stdin.end();
      await ended;
    },
  };
}
