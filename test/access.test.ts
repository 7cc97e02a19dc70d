/** Driving with access control, and when it ends: real server, real agent, real operators. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addEnded } from '../broker/access/register.ts';
import { fixedCredentials } from '../shared/credentials.ts';
import { guardedServer } from './helpers/access.ts';
import { testFolder } from './helpers/folder.ts';
import { deadLine } from './helpers/line.ts';
import { freePort } from './helpers/ports.ts';
import { testListener, testOperator, testVehicle } from './helpers/room.ts';

type Server = Awaited<ReturnType<typeof guardedServer>>;

async function operator(server: Server, forS?: number, sub = 'op-1') {
  const role = sub.startsWith('sv-') ? 'supervisor' : 'operator';
  const { clientId, password, id } = await server.login(sub, role, ['car1'], forS);
  const options = { self: clientId, credentials: fixedCredentials(clientId, password) };
  return { end: testOperator(server.mqttUrl, 'car1', 'rooms', 'entered', options), grant: id };
}

async function scene(forS?: number) {
  const server = await guardedServer();
  const { password: token, id: carsGrant } = await server.login('car1', 'vehicle', ['car1']);
  const car = await testVehicle(server.mqttUrl, { token });
  const { end, grant } = await operator(server, forS);
  await end.until('connected', ({ link }) => link.phase === 'connected');
  end.request();
  await end.until('granted', ({ claim }) => claim.state === 'held');
  const ears = await testListener(server.mqttUrl, 'rooms/#', await server.login('mon-1', 'monitor', ['*']));
  const sessionsAre = (count: number) =>
    ears.message(
      `${count} sessions`,
      ({ topic, text }) =>
        topic === 'rooms/car1/offer' && JSON.parse(text || '{"sessions":[]}').sessions.length === count,
      ears.heard.length,
    );
  return { server, car, end, grant, carsGrant, ears, sessionsAre };
}

test('an operator whose access is ended drives no more, though the two are connected to each other', async () => {
  const { server, end, grant, ears, sessionsAre } = await scene();
  end.drive({ steer: 0, throttle: 1, brake: 0, gear: 'D' });
  await end.until('it moves', (_, state) => (state?.speed ?? 0) > 2);
  const free = ears.message(
    'nobody drives',
    ({ topic, text }) => topic === 'rooms/car1/lease' && JSON.parse(text).holder === null,
    ears.heard.length,
  );
  const none = sessionsAre(0);
  server.access.endings.end(grant);
  await Promise.all([none, free]);
  await end.until('told', ({ broker }) => broker.state === 'refused');
});

test('so does one whose access runs out', async () => {
  const { sessionsAre } = await scene(3);
  await sessionsAre(0);
});

test('only who is a supervisor takes the wheel from others, whatever they say of themselves', async () => {
  const { server, end: driver } = await scene();
  const [pretender, supervisor] = await Promise.all([
    operator(server, undefined, 'op-2'),
    operator(server, undefined, 'sv-1'),
  ]);
  for (const { end } of [pretender, supervisor]) {
    end.supervise(true);
    await end.until('connected', ({ link }) => link.phase === 'connected');
  }
  const claimed = (id: string) =>
    driver.until(`${id} says so`, ({ operators }) => operators[id]?.supervises === true);
  await Promise.all([claimed('op-2'), claimed('sv-1')]);
  pretender.end.request('takeover');
  await pretender.end.until('denied', ({ claim }) => claim.state === 'denied');
  expect(driver.view.claim.state).toBe('held');
  supervisor.end.request('takeover');
  await supervisor.end.until('granted', ({ claim }) => claim.state === 'held');
});

test('a vehicle whose access is ended is given up by its operators, and says why it ends', async () => {
  const { server, car, end, carsGrant } = await scene();
  server.access.endings.end(carsGrant);
  await end.until('over', ({ link }) => link.phase === 'ended');
  expect((await car.failed).message).toMatch(/refused car1: the broker does not take its token/);
});

describe('whose access is over drives no more', () => {
  const LONG = 60_000;

  async function driving(options: {
    mqttPort?: number;
    data: string;
    forS?: number;
    through?: typeof deadLine;
  }) {
    const { mqttPort = 0, data, forS, through } = options;
    const server = await guardedServer({ mqttPort, access: { data } });
    const { password: token } = await server.login('car1', 'vehicle', ['car1']);
    const line = await through?.(server.mqttUrl);
    await testVehicle(line?.url ?? server.mqttUrl, { token });
    const { end, grant } = await operator(server, forS);
    await end.until('connected', ({ link }) => link.phase === 'connected');
    end.request();
    await end.until('granted', ({ claim }) => claim.state === 'held');
    end.drive({ steer: 0, throttle: 0.2, brake: 0, gear: 'D' });
    await end.until('it drives', (_, state) => state?.safety === 'driving');
    return { server, grant, line };
  }

  async function nobodyIn(server: Server): Promise<void> {
    const ears = await testListener(server.mqttUrl, 'rooms/#', await server.login('mon-1', 'monitor', ['*']));
    await ears.message(
      'no session any more',
      ({ topic, text }) =>
        topic === 'rooms/car1/offer' && text !== '' && JSON.parse(text).sessions.length === 0,
    );
  }

  test.each(['ended', 'expired'])(
    'after it has %s while the server was away',
    { timeout: LONG },
    async (how) => {
      const [mqttPort, data] = [await freePort(), testFolder()];
      const forS = how === 'expired' ? 8 : undefined;
      const from = Date.now();
      const { server, grant } = await driving({ mqttPort, data, ...(forS ? { forS } : {}) });
      await server.close();
      if (how === 'ended') addEnded(join(data, 'access'), { id: grant });
      else await expect.poll(() => Date.now() - from, { timeout: LONG }).toBeGreaterThan(11_000);
      await nobodyIn(await guardedServer({ mqttPort, access: { data } }));
    },
  );

  test('after it has ended while the car was away from the broker', { timeout: LONG }, async () => {
    const { server, grant, line } = await driving({ data: testFolder(), through: deadLine });
    line?.die();
    server.access.endings.end(grant);
    await nobodyIn(server);
  });
});
