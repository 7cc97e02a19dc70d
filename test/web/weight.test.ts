/** What a browser has to load before it can show the first page. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import type { Manifest } from 'vite';
import { expect, test } from 'vitest';
import { testFolder } from '../helpers/folder.ts';

/** Of script, compressed, bytes. */
const MOST = 130_000;
const ROOT = new URL('../..', import.meta.url).pathname;

test('the fleet page loads little script, and none of the code for signatures', () => {
  const outDir = testFolder();
  const { NODE_ENV: _test, ...env } = process.env;
  const vite = ['node_modules/vite/bin/vite.js', 'build', 'web', '--outDir', outDir, '--manifest'];
  execFileSync(process.execPath, [...vite, '--logLevel', 'error'], { cwd: ROOT, env });
  const read = (file: string) => readFileSync(join(outDir, file), 'utf8');
  const manifest: Manifest = JSON.parse(read('.vite/manifest.json'));
  const withImports = (name: string): string[] => {
    const chunk = manifest[name];
    return chunk ? [chunk.file, ...(chunk.imports ?? []).flatMap(withImports)] : [];
  };
  const scripts = (...names: string[]) => [...new Set(names.flatMap(withImports))].map(read);
  const first = scripts('index.html', 'fleet/page.tsx');
  const bytes = first.map((text) => brotliCompressSync(text).length);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(MOST);
  const signatures = 'plntry-sdp-1';
  expect(first.join('')).not.toContain(signatures);
  // As the console has it, this is where it would be seen.
  expect(scripts('console/page.tsx').join('')).toContain(signatures);
});
