/** What a browser has to load before it can show the first page, as the server sends it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Manifest } from 'vite';
import { expect, test } from 'vitest';
import { testFolder } from '../helpers/folder.ts';
import { testServer } from '../helpers/room.ts';

/** Of script, compressed, bytes. */
const MOST = 130_000;
const ROOT = new URL('../..', import.meta.url).pathname;

async function fetched(url: string, encodings: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { headers: { 'Accept-Encoding': encodings } }, resolve).on('error', reject),
  );
  return { headers: response.headers, body: Buffer.concat(await response.toArray()) };
}

test('the fleet page loads little script, none of the code for signatures, and all of it compressed', async () => {
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
  const scripts = (...names: string[]) => [...new Set(names.flatMap(withImports))];
  const first = scripts('index.html', 'fleet/page.tsx');
  const signatures = 'plntry-sdp-1';
  expect(first.map(read).join('')).not.toContain(signatures);
  // As the console has it, this is where it would be seen.
  expect(scripts('console/page.tsx').map(read).join('')).toContain(signatures);

  const { webUrl } = await testServer({ pages: outDir });
  let sent = 0;
  for (const file of first) {
    // What Chromium, Firefox and Safari say over https and on loopback.
    const { headers, body } = await fetched(`${webUrl}/${file}`, 'gzip, deflate, br, zstd');
    expect(headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': expect.stringMatching(/^text\/javascript/),
      'cache-control': expect.stringContaining('immutable'),
      vary: expect.stringContaining('Accept-Encoding'),
    });
    expect(brotliDecompressSync(body).toString()).toBe(read(file));
    sent += body.length;

    // Over http elsewhere browsers leave out br.
    const zipped = await fetched(`${webUrl}/${file}`, 'gzip, deflate');
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body).toString()).toBe(read(file));
    const plain = await fetched(`${webUrl}/${file}`, 'identity');
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(plain.body.toString()).toBe(read(file));
  }
  expect(sent).toBeLessThan(MOST);
  // Compressing what holds a token would tell of it by its length (BREACH).
  const { headers } = await fetched(`${webUrl}/api/fleet`, 'gzip, br');
  expect(headers).not.toHaveProperty('content-encoding');
});
