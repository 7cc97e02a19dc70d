import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

/** The server that `vite` (development) hands API and MQTT to. */
const SERVER = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [preact()],
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
