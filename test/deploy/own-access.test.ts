/** The access that `plntry start` gives by itself: to its own car, and to who has started it. */
import { expect, test } from 'vitest';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';
import { run, serve } from './access-cli.ts';

const NOBODY = 'Nobody has been given access.';
const FREE = ['--port', '0', '--mqtt-port', '0', '--mqtts-port', '0'];

/** With its own car, and an invitation printed. */
async function start(data: string, ...args: string[]) {
  const cli = spawnCli(['start', '--data', data, ...FREE, ...args]);
  const [, link = ''] = await cli.printed(/(http\S+\/join#\S+)/);
  const stop = async () => {
    cli.kill('SIGTERM');
    expect(await cli.ended).toEqual({ status: 0, signal: null });
  };
  return { cli, link, stop };
}

const list = async (data: string) => (await run(['revoke', '--list', '--data', data])).stdout;

test('what start has given ends when it stops, but for the invitation that was used', async () => {
  const data = testFolder();
  const first = await start(data, '--access');
  expect(await list(data)).toMatch(/ token {2}vehicle of car1 .*\n.* invitation {2}operator of car1 /);
  await first.stop();
  expect(await list(data)).toBe(NOBODY);

  const second = await start(data, '--access');
  const { origin, hash } = new URL(second.link);
  const used = await fetch(`${origin}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ invitation: hash.slice(1) }),
  });
  expect(used.status).toBe(200);
  await second.stop();
  expect(await list(data)).toMatch(/^\S+ .* invitation {2}operator of car1 {2}used 1 of 1: op-[0-9a-f]{10}$/);
});

test('what start has given before a crash ends at the next start', async () => {
  const data = testFolder();
  const crashed = await start(data, '--access');
  crashed.cli.kill('SIGKILL');
  await crashed.cli.ended;
  const before = await list(data);
  expect(before.split('\n')).toHaveLength(2);
  const next = await start(data, '--access');
  const now = (await list(data)).split('\n');
  expect(now).toHaveLength(2);
  for (const row of now) expect(before).not.toContain(row.split(' ', 1)[0]);
  await next.stop();
  expect(await list(data)).toBe(NOBODY);
});

test('another server on the same data folder leaves what a running one has given', async () => {
  const data = testFolder();
  const first = await start(data, '--access');
  const { cli } = await serve(data);
  cli.kill('SIGTERM');
  await cli.ended;
  expect((await list(data)).split('\n')).toHaveLength(2);
  await first.stop();
  expect(await list(data)).toBe(NOBODY);
});

test('the invitations of --lan end too', async () => {
  const data = testFolder();
  const { stop } = await start(data, '--lan', '127.0.0.1');
  expect((await list(data)).split('\n')).toHaveLength(3);
  await stop();
  expect(await list(data)).toBe(NOBODY);
});

test('its car is not started again once its access was ended', async () => {
  const data = testFolder();
  const { cli, stop } = await start(data, '--access');
  await run(['revoke', '--peer', 'car1', '--data', data]);
  await cli.printed(
    /"status":4,.*the access of car1 was ended: it is not started again until the next start/,
  );
  await stop();
});
