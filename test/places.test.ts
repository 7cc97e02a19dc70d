/** Who gets a place at a vehicle: with a real broker that knows who is who, and a real agent. */
import { expect, test } from 'vitest';
import { fixedCredentials } from '../shared/credentials.ts';
import type { RoomView } from '../shared/room-view.ts';
import { guardedServer } from './helpers/access.ts';
import { testFleet } from './helpers/keys.ts';
import { type TestOperator, testOperator, testServer, testVehicle } from './helpers/room.ts';

const connected = ({ link }: RoomView) => link.phase === 'connected';
const full = ({ link }: RoomView) => link.phase === 'ended' && link.reason === 'full';
const detailOf = ({ view: { link } }: TestOperator) => ('detail' in link ? link.detail : null);

/** A vehicle with so many places behind access control, and who may come to it. */
async function guarded(maxOperators: number) {
  const { mqttUrl, login } = await guardedServer();
  const { password: token } = await login('car1', 'vehicle', ['car1']);
  await testVehicle(mqttUrl, { maxOperators, token });
  return {
    async page(self: string, arrival: 'entered' | 'preparing' = 'entered') {
      const role = self.startsWith('sv-') ? 'supervisor' : 'operator';
      const { password } = await login(self, role, ['car1']);
      const who = { self, credentials: fixedCredentials(self, password) };
      const operator = testOperator(mqttUrl, 'car1', 'rooms', arrival, who);
      if (role === 'supervisor') operator.supervise(true);
      return operator;
    },
  };
}

test('four pages of one invitation take one place, the fifth is told so, and others get in', async () => {
  const { page } = await guarded(2);
  const pages: TestOperator[] = [];
  for (let number = 1; number <= 4; number++) {
    const one = await page(`op-5f0c3a9d21-0000000${number}`);
    await one.until('connected', connected);
    pages.push(one);
  }
  const other = await page('op-19c0ffee00-00000001');
  await other.until('connected', connected);
  const fifth = await page('op-5f0c3a9d21-00000005');
  await fifth.until('full', full);
  expect(detailOf(fifth)).toBe('you have 4 pages at this vehicle already, the most that one person may have');
  const late = await page('op-2222222222-00000001');
  await late.until('full', full);
  expect(detailOf(late)).toBe('2 operators are connected already, the most that are let in');
  await pages[0]?.close();
  await fifth.until('connected', connected);
});

test('a supervisor gets in when all is full: the last spectator goes, waits, and is back later', async () => {
  const { page } = await guarded(2);
  const [driver, spectator] = [await page('op-1'), await page('op-2')];
  await driver.until('connected', connected);
  driver.request();
  await driver.until('the wheel', ({ claim }) => claim.state === 'held');
  await spectator.until('connected', connected);
  const supervisor = await page('sv-1');
  await supervisor.until('connected', connected);
  await spectator.until('put out', full);
  expect(detailOf(spectator)).toBe('a supervisor needed the place');
  expect(driver.view.link.phase).toBe('connected');

  // Nobody is left to be put out: it comes in beyond the number.
  const second = await page('sv-2');
  await second.until('connected', connected);
  supervisor.request('takeover');
  await supervisor.until('the wheel', ({ claim }) => claim.state === 'held');
  await second.close();
  expect(full(spectator.view)).toBe(true);
  await driver.close();
  await spectator.until('back', connected);
});

test('who says to supervise under an operator’s id puts nobody out', async () => {
  const { page } = await guarded(1);
  const spectator = await page('op-1');
  await spectator.until('connected', connected);
  const pretender = await page('op-2');
  pretender.supervise(true);
  await pretender.until('full', full);
  expect(spectator.view.link.phase).toBe('connected');
});

test('one person has one session made ahead', async () => {
  const { page } = await guarded(4);
  const first = await page('op-5f0c3a9d21-00000001', 'preparing');
  await first.until('connected', connected);
  const second = await page('op-5f0c3a9d21-00000002', 'preparing');
  const other = await page('op-19c0ffee00-00000001', 'preparing');
  await other.until('connected', connected);
  expect(second.view.link.phase).toBe('waiting');
  second.enter();
  await second.until('connected', connected);
});

test('where no broker knows who is who, a supervisor is one by its pass', async () => {
  const { mqttUrl } = await testServer();
  const fleet = testFleet();
  await testVehicle(mqttUrl, { maxOperators: 1, fleetKey: { key: fleet.key, file: '/nowhere' } });
  const come = (...who: Parameters<typeof fleet.operator>) =>
    testOperator(mqttUrl, 'car1', 'rooms', 'entered', fleet.operator(...who));
  const spectator = come('op-1');
  await spectator.until('connected', connected);
  const pretender = come('op-2');
  pretender.supervise(true);
  await pretender.until('full', full);
  expect(spectator.view.link.phase).toBe('connected');
  const supervisor = come('op-3', { role: 'supervisor' });
  supervisor.supervise(true);
  await supervisor.until('video', () => supervisor.received.packets > 0);
  await spectator.until('put out', full);
  expect(detailOf(spectator)).toBe('a supervisor needed the place');
});
