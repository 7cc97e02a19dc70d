import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { newKey, publicKeyOf } from '../../shared/signature.ts';
import { type FleetKeySource, keepFleetKey } from '../../vehicle/fleet-key.ts';
import { testFolder } from '../helpers/folder.ts';
import { recordLog } from '../helpers/log.ts';
import { startService } from '../helpers/service.ts';

const [first, second] = [publicKeyOf(newKey()), publicKeyOf(newKey())];

/** A server that says what `fleet.key` is; null for none, undefined for no sense. */
async function server(key: string | null | undefined) {
  const fleet = { key };
  const service = await startService(() => {
    const answer = {
      v: 1,
      root: 'rooms',
      mqtt: { url: '/mqtt' },
      ...(fleet.key ? { fleetKey: fleet.key } : {}),
    };
    return { status: 200, body: JSON.stringify(fleet.key === undefined ? {} : answer) };
  });
  return { fleet, url: service.url };
}

async function keep(source: FleetKeySource) {
  const recorded = recordLog();
  const kept = await keepFleetKey(source, systemClock, recorded.log);
  onTestFinished(kept.close);
  return { ...kept, ...recorded };
}

test('one that is given counts, and nobody is asked', async () => {
  const file = join(testFolder(), 'car1.fleet');
  const { url } = await server(second);
  const { get, entries } = await keep({ key: first, server: url, file });
  expect(get()).toBe(first);
  expect(entries).toEqual([]);
});

test('where none is wanted, what was kept of another server does not count', async () => {
  const file = join(testFolder(), 'car1.fleet');
  writeFileSync(file, `${first}\n`);
  const { url } = await server(second);
  expect((await keep({ key: null, server: url, file })).get()).toBeNull();
});

test('the server’s is taken at first sight, kept, and another one refused with what to do', async () => {
  const file = join(testFolder(), 'keys', 'car1.fleet');
  const { fleet, url } = await server(first);
  const { get } = await keep({ server: url, file });
  expect(get()).toBe(first);
  expect(readFileSync(file, 'utf8')).toBe(`${first}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  fleet.key = second;
  const later = await keep({ server: url, file });
  expect(later.get()).toBe(first);
  const { level, message } = await later.logged(({ level }) => level === 'error');
  expect(level).toBe('error');
  expect(message).toContain(`if it was changed on purpose, remove ${file} and start again`);
});

test('a server that names none any more takes nothing away', async () => {
  const file = join(testFolder(), 'car1.fleet');
  writeFileSync(file, `${first}\n`);
  const { url } = await server(null);
  const { get, logged } = await keep({ server: url, file });
  await logged(({ message }) => message.startsWith('the server names no key of its fleet any more'));
  expect(get()).toBe(first);
});

test('a server that has none, and later one, is believed when it is asked again', async () => {
  const { fleet, url } = await server(null);
  const { get, again, logged } = await keep({ server: url, file: join(testFolder(), 'car1.fleet') });
  expect(get()).toBeNull();
  fleet.key = first;
  again();
  await logged(({ message }) => message === 'takes operators of this fleet only');
  expect(get()).toBe(first);
});

test('what is kept counts while the server makes no sense', async () => {
  const file = join(testFolder(), 'car1.fleet');
  writeFileSync(file, first);
  const { url } = await server(undefined);
  expect((await keep({ server: url, file })).get()).toBe(first);
});

test('what is kept and is no key ends the start: without it anybody could drive', async () => {
  const file = join(testFolder(), 'car1.fleet');
  writeFileSync(file, 'x');
  await expect(keep({ file })).rejects.toThrow(`${file} holds no key of a fleet; remove it to take the one`);
});
