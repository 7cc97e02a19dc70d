import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fingerprintOf, publicKeyOf } from '../../shared/signature.ts';
import { ownKey, readKey } from '../../vehicle/own-key.ts';
import { testFolder } from '../helpers/folder.ts';
import { recordLog } from '../helpers/log.ts';

test('it is made at the first start, for its user alone, kept, and said', async () => {
  const file = join(testFolder(), 'keys', 'car1.key');
  const { log, entries } = recordLog();
  const [key, same] = [await ownKey(file, log), await ownKey(file, log)];
  expect(same).toBe(key);
  expect(readKey(file)).toBe(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  const publicKey = publicKeyOf(key ?? '');
  const said = {
    level: 'info',
    message: 'signs with its key',
    fields: { publicKey, fingerprint: fingerprintOf(publicKey) },
  };
  expect(entries).toEqual([said, said]);
  expect(JSON.stringify(entries)).not.toContain(key);
});

test('two agents that start at once have one key', async () => {
  const file = join(testFolder(), 'keys', 'car1.key');
  const { log } = recordLog();
  const keys = await Promise.all(Array.from({ length: 4 }, () => ownKey(file, log)));
  expect(new Set(keys).size).toBe(1);
});

test('where none can be kept, nothing is signed, and that is said', async () => {
  const { log, entries } = recordLog();
  expect(await ownKey('/proc/none/car1.key', log)).toBeNull();
  expect(entries).toMatchObject([{ level: 'warn', message: expect.stringContaining('no key can be kept') }]);
});

test('what is there and is no key ends the start, and stays', async () => {
  const folder = testFolder();
  const file = join(folder, 'car1.key');
  writeFileSync(file, '');
  const { log } = recordLog();
  await expect(ownKey(file, log)).rejects.toThrow(
    `${file} holds no key; restore it, or remove it to have a new one made.`,
  );
  expect(readFileSync(file, 'utf8')).toBe('');
  await expect(ownKey(folder, log)).rejects.toThrow(`The key in ${folder} can’t be read (EISDIR).`);
});
