import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import preact from '@preact/preset-vite';
import { defineConfig, type Plugin } from 'vite';

/** The server that `vite` (development) hands API and MQTT to. */
const SERVER = 'http://127.0.0.1:8080';

/**
 * Scripts and styles once more beside themselves, as small as they get: the server sends them so, and spends
 * nothing on it.
 */
const compressed = (): Plugin => ({
  name: 'compressed',
  apply: 'build',
  // As they are in the end: made small after other hooks.
  writeBundle({ dir = '' }, bundle) {
    for (const name of Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css)$/.test(name))) {
      const file = join(dir, name);
      const bytes = readFileSync(file);
      writeFileSync(`${file}.br`, brotliCompressSync(bytes));
      writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
});

export default defineConfig({
  plugins: [preact(), compressed()],
  build: {
    target: 'es2023',
    emptyOutDir: true,
    // Every browser that has what we need of WebRTC knows modulepreload.
    modulePreload: { polyfill: false },
    // The content security policy allows fonts and styles from files only.
    assetsInlineLimit: 0,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': SERVER, '/mqtt': { target: SERVER, ws: true } },
  },
});
