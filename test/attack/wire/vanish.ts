/** Somebody whose network is gone: no packet of theirs arrives any more, nor one that would say so. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const iptables = (...args: string[]) => spawnSync('iptables', ['-w', ...args]).status === 0;

/** Why nobody can vanish here, if so. */
export const vanishingProblem = (): string | null =>
  iptables('-L', 'INPUT', '-n') ? null : 'dropping packets takes iptables, and root';

/** @returns ends it */
export function vanish(address: string): () => void {
  const rules = ['-s', '-d'].map((way) => ['INPUT', way, address, '-j', 'DROP']);
  for (const rule of rules) iptables('-I', ...rule);
  return () => {
    for (const rule of rules) iptables('-D', ...rule);
  };
}

/** Columns of /proc/net/tcp: addresses of both ends, in hex, and who has the connection open; 0 for nobody. */
const [REMOTE, INODE] = [2, 9];

/** Connections from an IPv4 address that a process of this machine has open still. */
export function heldFrom(address: string): number {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  const remote = bytes.reverse().join('').toUpperCase();
  return ['tcp', 'tcp6']
    .flatMap((file) => readFileSync(`/proc/net/${file}`, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[REMOTE]?.split(':')[0]?.endsWith(remote) && fields[INODE] !== '0').length;
}
