/** Debian's turnutils_uclient, which comes with coturn. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { TurnServer } from './turn-server.ts';

/** Whether packets go through the TURN server, over UDP, with this login. */
export async function turnWorks(turn: TurnServer, username: string, credential: string): Promise<boolean> {
  const [, host = '', port = ''] = /^turn:(.+):(\d+)/.exec(turn.udp) ?? [];
  const options = `-y -n 1 -m 1 -l 100 -p ${port}`.split(' ');
  const child = spawn('turnutils_uclient', [...options, '-u', username, '-w', credential, host], {
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [status] = await once(child, 'exit');
  return status === 0;
}
