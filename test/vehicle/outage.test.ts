/** What was said while the path was dead is not said when it is back: who drives would see and do what is past. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { meet } from './operator-end.ts';

const OUTAGE_MS = 1_000;
/** As a vehicle says what it does while somebody drives. */
const PACE_MS = 20;
/** A message of that size; see VehicleStateSchema. */
const FILLING = 'x'.repeat(180);

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A network between the two that can be cut: the operator knows the vehicle at its address alone. */
async function cable() {
  const [near, far] = [createSocket('udp4'), createSocket('udp4')];
  let vehicle = { host: '', port: 0 };
  let operator: { address: string; port: number } | null = null;
  let cut = false;
  near.on('message', (packet, from) => {
    operator = from;
    if (!cut) far.send(packet, vehicle.port, vehicle.host);
  });
  far.on('message', (packet) => {
    if (!cut && operator) near.send(packet, operator.port, operator.address);
  });
  for (const socket of [near, far]) {
    socket.bind();
    await once(socket, 'listening');
    onTestFinished(() => void socket.close());
  }
  return {
    /** The vehicle's candidate as the operator is told of it. */
    through(line: string): string {
      const parts = line.split(' ');
      vehicle = { host: parts[4] ?? '', port: Number(parts[5]) };
      parts[5] = String(near.address().port);
      return parts.join(' ');
    },
    cut(on: boolean) {
      cut = on;
    },
  };
}

test('after a second without a path no old message of `control` comes, and new ones come at once', async () => {
  const between = await cable();
  const isFirst = (line: string) => / typ host/.test(line) && isIPv4(line.split(' ')[4] ?? '');
  const both = meet({}, {}, { fromVehicle: isFirst, fromOperator: () => false, change: between.through });
  await both.negotiate();
  await both.vehicle.until('open');
  const heard: { sentAt: number; at: number }[] = [];
  both.operator.channels.control.onMessage.subscribe((data) => {
    heard.push({ sentAt: Number(String(data).split(' ')[0]), at: performance.now() });
  });
  const saying = setInterval(
    () => both.vehicle.peer.send('control', `${performance.now()} ${FILLING}`),
    PACE_MS,
  );
  onTestFinished(() => clearInterval(saying));
  await expect.poll(() => heard.length).toBeGreaterThan(20);
  between.cut(true);
  await wait(OUTAGE_MS);
  const backAt = performance.now();
  between.cut(false);
  await wait(2_500);
  const late = heard.filter(({ sentAt, at }) => at > backAt && sentAt < backAt - 100);
  const first = heard.find(({ at }) => at > backAt);
  expect(late).toEqual([]);
  expect((first?.at ?? Number.POSITIVE_INFINITY) - backAt).toBeLessThan(1_000);
});
