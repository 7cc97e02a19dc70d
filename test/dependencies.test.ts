/** docs/dependencies.md, package.json and the lock file say the same. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');
const manifest = JSON.parse(read('package.json'));
const lock = JSON.parse(read('package-lock.json'));
const rows = [
  ...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|/gm),
];

test.each(['dependencies', 'devDependencies'])(
  'each of the %s has its reason, its licence and its keeper',
  (kind) => {
    for (const name of Object.keys(manifest[kind])) {
      const row = rows.find(([, named]) => named === name);
      expect(row?.[2]?.trim(), name).toBeTruthy();
      expect(row?.[3]?.trim(), name).toBe(JSON.parse(read(`node_modules/${name}/package.json`)).license);
      expect(row?.[4]?.trim(), name).toBeTruthy();
    }
  },
);

test('nothing is listed that is not used', () => {
  const used = { ...manifest.dependencies, ...manifest.devDependencies };
  expect(rows.map(([, name]) => name).filter((name) => !Object.hasOwn(used, name ?? ''))).toEqual([]);
});

test('no package runs a script at installation but the two that are named', () => {
  const scripted = Object.entries<{ hasInstallScript?: boolean }>(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path);
  expect(scripted.sort()).toEqual(['node_modules/node', 'node_modules/node-av']);
});

test('every package that is fetched has its hash in the lock file', () => {
  const unhashed = Object.entries<{ integrity?: string; link?: boolean; inBundle?: boolean }>(lock.packages)
    .filter(([path, { integrity, link, inBundle }]) => path !== '' && !integrity && !link && !inBundle)
    .map(([path]) => path);
  expect(unhashed).toEqual([]);
});
