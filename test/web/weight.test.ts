/** What a browser has to load before it can show the first page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Manifest } from 'vite';
import { expect, test } from 'vitest';
import { testFolder } from '../helpers/folder.ts';

/** Of script, compressed, bytes. */
const MOST = 130_000;

test('the fleet page loads little script, and none of the code for signatures', async () => {
  const outDir = testFolder();
  const root = new URL('../../web', import.meta.url).pathname;
  await build({ root, logLevel: 'error', build: { outDir, manifest: true } });
  const read = (file: string) => readFileSync(join(outDir, file), 'utf8');
  const manifest: Manifest = JSON.parse(read('.vite/manifest.json'));
  const withImports = (name: string): string[] => {
    const chunk = manifest[name];
    return chunk ? [chunk.file, ...(chunk.imports ?? []).flatMap(withImports)] : [];
  };
  const script = (...names: string[]) => [...new Set(names.flatMap(withImports))].map(read).join('');
  const first = script('index.html', 'fleet/page.tsx');
  expect(gzipSync(first).length).toBeLessThan(MOST);
  const signatures = 'plntry-sdp-1';
  expect(first).not.toContain(signatures);
  // As the console has it, this is where it would be seen.
  expect(script('console/page.tsx')).toContain(signatures);
});
