import { expect, test } from 'vitest';
import { createLog } from '../../deploy/log.ts';

function logTo(pretty: boolean) {
  const lines: string[] = [];
  const log = createLog('server', 'info', { pretty, write: (line) => lines.push(line) });
  return { log, lines };
}

test('secrets are not logged, however they come', () => {
  const { log, lines } = logTo(false);
  const server = { urls: 'turn:a', username: 'u', credential: 'hush' };
  log.info({ sdp: 'hush', password: 'hush', token: 'hush' }, 'flat');
  log.info({ message: { sdp: 'hush' }, options: { password: 'hush' } }, 'nested');
  log.info({ iceServers: [server], answer: { iceServers: [server] } }, 'in lists');
  expect(lines).toHaveLength(3);
  expect(lines.join()).not.toContain('hush');
  expect(lines.join()).toContain('turn:a');
});

test('lines are JSON for machines, and readable for people', () => {
  const machines = logTo(false);
  machines.log.warn({ port: 1 }, 'careful');
  machines.log.debug({}, 'too much');
  expect(machines.lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'warn', name: 'server', port: 1, msg: 'careful', time: expect.any(String) },
  ]);
  const people = logTo(true);
  people.log.warn({ port: 1 }, 'careful');
  expect(people.lines.join()).toMatch(/WARN \(server\): careful \{"port":1\}\n$/);
});
