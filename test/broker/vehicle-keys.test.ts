import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../../broker/serve.ts';
import { createVehicleKeys } from '../../broker/vehicle-keys.ts';
import { newKey, publicKeyOf } from '../../shared/signature.ts';
import { guardedServer } from '../helpers/access.ts';
import { testFolder } from '../helpers/folder.ts';
import { recordLog } from '../helpers/log.ts';
import { silent, testServer } from '../helpers/room.ts';

const [one, two] = [publicKeyOf(newKey()), publicKeyOf(newKey())];

test('pages are told the vehicles’ keys, as the file says them now', async () => {
  const file = join(testFolder(), 'vehicle-keys.json');
  writeFileSync(file, JSON.stringify({ car1: one }));
  const { webUrl } = await testServer({ vehicleKeys: file });
  const keys = async () => ((await (await fetch(`${webUrl}/api/fleet`)).json()) as { keys: unknown }).keys;
  expect(await keys()).toEqual({ car1: one });
  writeFileSync(file, JSON.stringify({ car1: two, car2: one }));
  expect(await keys()).toEqual({ car1: two, car2: one });
});

test('with access control people are told those of their rooms, and nobody else is told any', async () => {
  const file = join(testFolder(), 'vehicle-keys.json');
  writeFileSync(file, JSON.stringify({ car1: one, car2: two, van1: one }));
  const { webUrl, login } = await guardedServer({ vehicleKeys: file });
  const keysFor = async (headers: Record<string, string>) =>
    ((await (await fetch(`${webUrl}/api/fleet`, { headers })).json()) as { keys: unknown }).keys;
  const { password } = await login('op-1', 'operator', ['car*']);
  expect(await keysFor({ Authorization: `Bearer ${password}` })).toEqual({ car1: one, car2: two });
  expect(await keysFor({})).toEqual({});
});

test('without such a file nothing is said of keys', async () => {
  const { webUrl } = await testServer();
  expect(await (await fetch(`${webUrl}/api/fleet`)).json()).not.toHaveProperty('keys');
});

test('a file that has become unusable, or is gone, is said once, and the keys of before count', () => {
  const file = join(testFolder(), 'vehicle-keys.json');
  writeFileSync(file, JSON.stringify({ car1: one }));
  const { log, entries } = recordLog();
  const keys = createVehicleKeys(file, log);
  writeFileSync(file, '{"car1": ');
  expect([keys(), keys()]).toEqual([{ car1: one }, { car1: one }]);
  rmSync(file);
  expect([keys(), keys()]).toEqual([{ car1: one }, { car1: one }]);
  expect(entries.map(({ level }) => level)).toEqual(['error', 'error']);
  expect(entries[0]?.message).toContain('are no JSON object of room and key');
});

test.each([
  ['[]', 'are no JSON object of room and key (message: '],
  ['{"car1": "x"}', '(car1: is not a public key, as `plntry key` prints it)'],
  [`{"Car 1": "${one}"}`, 'are no JSON object of room and key (Car 1: '],
  ['', 'are no JSON object of room and key'],
])('a server with the list %j does not start', async (text, why) => {
  const file = join(testFolder(), 'vehicle-keys.json');
  writeFileSync(file, text);
  const started = startServer({ port: 0, mqttPort: 0, vehicleKeys: file }, silent);
  await expect(started).rejects.toThrow(why);
});
