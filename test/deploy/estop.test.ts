/** `plntry estop` as people run it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { spawnCli } from '../helpers/cli.ts';
import { retainedMessages } from '../helpers/mqtt-clients.ts';
import { freePort } from '../helpers/ports.ts';
import { testOperator, testServer, testVehicle } from '../helpers/room.ts';

async function estop(...args: string[]) {
  const cli = spawnCli(['estop', ...args]);
  const { status } = await cli.ended;
  return { status, text: cli.stdout(), errors: cli.stderr() };
}

test('stops the vehicle and says that it has, and why; again and again', async () => {
  const { mqttUrl } = await testServer();
  await testVehicle(mqttUrl);
  const said = 'car1 has made an emergency stop, by command-line: people on the road.\n';
  expect(await estop('car1', '--broker', mqttUrl, '--reason', 'people on the road')).toMatchObject({
    status: 0,
    text: said,
  });
  expect(JSON.parse((await retainedMessages(mqttUrl))['rooms/car1/safety'] ?? '{}')).toMatchObject({
    state: 'estopped',
  });
  expect(await estop('car1', '--broker', mqttUrl)).toMatchObject({ status: 0, text: said });
});

test('says so when no vehicle has heard it', async () => {
  const { mqttUrl } = await testServer();
  const { status, text, errors } = await estop('car7', '--broker', mqttUrl);
  expect([status, text]).toEqual([1, '']);
  expect(errors).toMatch(
    /^error: car7 has not said that it has stopped\. Is it connected to mqtt:\/\/127\.0\.0\.1:\d+\?\n$/,
  );
});

test('says so when there is no broker, without its login', async () => {
  const port = await freePort();
  const { status, errors } = await estop('car1', '--broker', `mqtt://somebody:hush@127.0.0.1:${port}`);
  expect(status).toBe(1);
  expect(errors).toMatch(
    /^error: the broker mqtt:\/\/127\.0\.0\.1:\d+ can't be reached: .*ECONNREFUSED.*\n$/,
  );
  expect(errors).not.toContain('hush');
});

test('wants to know which vehicle', async () => {
  expect(await estop()).toMatchObject({ status: 2 });
  const { status, errors } = await estop('Car 1');
  expect(status).toBe(2);
  expect(errors).toContain("'Car 1' is invalid for argument 'room'");
});

test('a vehicle that was stopped is so after a kill and a new start, until it is reset', async () => {
  const { mqttUrl } = await testServer();
  const data = mkdtempSync(join(tmpdir(), 'plntry-data-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const start = () =>
    spawnCli(['vehicle', '--room', 'car1', '--broker', mqttUrl, '--ice-servers', '[]', '--no-drive-log'], {
      PLNTRY_DATA: data,
    });
  const first = start();
  await first.printed(/waiting for operators/);
  expect(await estop('car1', '--broker', mqttUrl, '--reason', 'a dog')).toMatchObject({ status: 0 });
  first.kill('SIGKILL');
  await first.ended;

  const second = start();
  const operator = testOperator(mqttUrl);
  await operator.until(
    'still stopped, and why',
    ({ safety }, state) => state?.safety === 'estopped' && safety?.reason === 'by command-line: a dog',
  );
  operator.reset();
  await operator.until('reset', (_, state) => state?.safety === 'ready');
  second.kill('SIGKILL');
  await second.ended;

  start();
  await operator.until('not connected', ({ link }) => link.phase !== 'connected');
  await operator.until('back', ({ link }, state) => link.phase === 'connected' && state?.safety === 'ready');
});
