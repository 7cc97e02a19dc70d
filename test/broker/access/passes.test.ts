import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPasses } from '../../../broker/access/passes.ts';
import { readPass } from '../../../shared/pass.ts';
import { newKey, publicKeyOf } from '../../../shared/signature.ts';
import { testFolder } from '../../helpers/folder.ts';

const request = {
  peer: 'op-1',
  key: publicKeyOf(newKey()),
  role: 'operator',
  rooms: ['car1', 'van-*'],
  expires: 1_800_000_000_999,
};

test('the key is made at first use, for its user alone, and is the same the next time', () => {
  const file = join(testFolder(), 'deep', 'fleet.key');
  const passes = createPasses(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  expect(createPasses(file).publicKey).toBe(passes.publicKey);
  expect(readFileSync(file, 'utf8').trim()).not.toBe(passes.publicKey);
});

test('a pass says what was asked for, and its end in whole seconds that have passed', () => {
  const passes = createPasses(join(testFolder(), 'fleet.key'));
  expect(readPass(passes.issue(request), passes.publicKey)).toEqual({
    sub: 'op-1',
    key: request.key,
    role: 'operator',
    rooms: ['car1', 'van-*'],
    exp: 1_800_000_000,
  });
});

test.each([{ peer: 'Op 1' }, { key: 'x' }, { rooms: ['a/#'] }])('there is no pass for %j', (wrong) => {
  const passes = createPasses(join(testFolder(), 'fleet.key'));
  expect(() => passes.issue({ ...request, ...wrong })).toThrow();
});

test('a file that holds no key, or can’t be read or made, is said in one sentence and left as it is', () => {
  const folder = testFolder();
  const file = join(folder, 'fleet.key');
  writeFileSync(file, 'no key');
  expect(() => createPasses(file)).toThrow(`${file} holds no key of a fleet;`);
  expect(readFileSync(file, 'utf8')).toBe('no key');
  expect(() => createPasses(folder)).toThrow(`The fleet’s key in ${folder} can’t be read (EISDIR).`);
  expect(() => createPasses('/proc/none/fleet.key')).toThrow('can’t be kept in /proc/none/fleet.key');
});
