/** `plntry key`, and the vehicle that makes one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fingerprintOf, newKey, publicKeyOf } from '../../shared/signature.ts';
import { spawnCli } from '../helpers/cli.ts';
import { testFolder } from '../helpers/folder.ts';

test('it prints the public key of a vehicle, or its fingerprint', async () => {
  const data = testFolder();
  mkdirSync(join(data, 'keys'));
  const secret = newKey();
  writeFileSync(join(data, 'keys', 'car1.key'), secret);
  const [key, fingerprint] = [
    ['key', 'car1'],
    ['key', 'car1', '--fingerprint'],
  ].map((args) => spawnCli(args, { PLNTRY_DATA: data }));
  expect(await key?.ended).toEqual({ status: 0, signal: null });
  expect(key?.stdout()).toBe(`${publicKeyOf(secret)}\n`);
  expect(await fingerprint?.ended).toEqual({ status: 0, signal: null });
  expect(fingerprint?.stdout()).toBe(`${fingerprintOf(publicKeyOf(secret))}\n`);
});

test('without a key it ends with status 1 and one sentence', async () => {
  const data = testFolder();
  const cli = spawnCli(['key', 'car1'], { PLNTRY_DATA: data });
  expect(await cli.ended).toEqual({ status: 1, signal: null });
  expect(cli.stderr()).toBe(
    `plntry: car1 has no key in ${join(data, 'keys', 'car1.key')}; it makes one at its first start.\n`,
  );
});

test('what a vehicle says of its key at its start is what is printed', async () => {
  const data = testFolder();
  const environment = { PLNTRY_DATA: data };
  const vehicle = spawnCli(['vehicle', '--room', 'car1', '--broker', 'mqtt://127.0.0.1:1'], environment);
  const [, publicKey] = await vehicle.printed(/"publicKey":"([\w-]{43})"/);
  const cli = spawnCli(['key', 'car1'], environment);
  await cli.ended;
  expect(cli.stdout()).toBe(`${publicKey}\n`);
});
