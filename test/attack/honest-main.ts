/**
 * The honest clients, in a process of their own so that an attacker's load is not taken for the server's: a
 * vehicle that publishes 20 times a second, an operator that hears it, and somebody who looks at the pages.
 * Told by its parent what to look at; see honest.ts.
 */
import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import type { Asked, Seen, Setup } from './honest.ts';

const PUBLISH_MS = 50;
const REQUEST_MS = 100;
/** What is still under way is waited for, ms. */
const PATIENCE_MS = 10_000;

let sent = 0;
let received = 0;
let heardAt = performance.now();
let seen = nothing();

function nothing(): Seen {
  return { sent, received, lost: 0, closed: 0, gapMs: 0, requests: 0, failed: 0, answerMs: 0 };
}

async function start({ mqttUrl, webUrl, car, operator, topic }: Setup): Promise<void> {
  const options = { protocolVersion: 4, keepalive: 10, reconnectPeriod: 500 } as const;
  const [publisher, subscriber] = await Promise.all([
    mqtt.connectAsync(mqttUrl, { ...options, ...car }),
    mqtt.connectAsync(mqttUrl, { ...options, ...operator }),
  ]);
  for (const client of [publisher, subscriber]) {
    client.on('error', () => {});
    client.on('close', () => {
      seen.closed += 1;
    });
  }
  subscriber.on('message', (_topic, payload) => {
    const now = performance.now();
    seen.gapMs = Math.max(seen.gapMs, now - heardAt);
    heardAt = now;
    received = Number(JSON.parse(payload.toString()).ts);
    seen.received += 1;
  });
  await subscriber.subscribeAsync(topic, { qos: 1 });
  heardAt = performance.now();
  setInterval(() => {
    sent += 1;
    seen.sent += 1;
    publisher.publish(topic, JSON.stringify({ v: 1, ts: sent, values: {} }), { qos: 1 });
  }, PUBLISH_MS);
  void look(`${webUrl}/readyz`);
}

/** Each time over a new connection, as somebody who has just come. */
async function look(url: string): Promise<void> {
  for await (const _ of every(REQUEST_MS)) {
    const askedAt = performance.now();
    const answer = await fetch(url, {
      headers: { Connection: 'close' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
      .then(async (response) => [response.status, await response.text()])
      .catch(() => [0]);
    seen.requests += 1;
    if (answer[0] !== 200) seen.failed += 1;
    seen.answerMs = Math.max(seen.answerMs, performance.now() - askedAt);
  }
}

/** What was seen since the last time, when all that was sent until now has come, or never will. */
async function report(): Promise<Seen> {
  const wanted = sent;
  const until = performance.now() + PATIENCE_MS;
  while (received < wanted && performance.now() < until) await sleep(5);
  // One that has not come yet has not come for so long.
  const gapMs = Math.max(seen.gapMs, performance.now() - heardAt);
  return { ...seen, gapMs, lost: Math.max(0, wanted - received) };
}

process.on('message', async (asked: Asked) => {
  if ('setup' in asked) await start(asked.setup);
  const answer = 'look' in asked ? await report() : null;
  if ('begin' in asked) {
    seen = nothing();
    heardAt = performance.now();
  }
  process.send?.(answer);
});
// With its parent.
process.on('disconnect', () => process.exit());
