/**
 * Blocks the event loop of a Node.js process whose inspector listens on 127.0.0.1:9229, which SIGUSR1 makes it do.
 * Prints when that began, ms since the epoch.
 *
 *     node block-event-loop.js <ms>
 */
import { setTimeout as sleep } from 'node:timers/promises';

const [ms] = process.argv.slice(2);
const ATTEMPTS = 100;

async function inspected() {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch('http://127.0.0.1:9229/json/list');
      const [target] = await response.json();
      return target.webSocketDebuggerUrl;
    } catch (error) {
      // It does not listen yet.
      if (attempt === ATTEMPTS) throw error;
      await sleep(20);
    }
  }
}

const socket = new WebSocket(await inspected());
const expression = `{ const began = Date.now(); while (Date.now() - began < ${Number(ms)}); began }`;
socket.addEventListener('open', () => {
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
});
socket.addEventListener('message', ({ data }) => {
  console.log(JSON.parse(data).result.result.value);
  socket.close();
});
