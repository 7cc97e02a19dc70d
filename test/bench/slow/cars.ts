/** The busy fleet of `bench:slow`, a process of its own: cars that publish, each over its own connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';

const [url = '', count = '40'] = process.argv.slice(2);
/** Of telemetry, as vehicles send it. */
const INTERVAL_MS = 100;
/** So that kernel buffers of a frozen subscriber are full within seconds. */
const PAYLOAD_BYTES = 2_048;
/** Every tenth message is one that has to arrive. */
const QOS_1_EVERY = 10;

const cars = await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    mqtt.connectAsync(url, { protocolVersion: 4, keepalive: 10, clientId: `car${i}` }),
  ),
);
process.send?.('ready');
for (const [i, client] of cars.entries()) {
  let sent = 0;
  // Spread over the interval, as cars are.
  await sleep(INTERVAL_MS / cars.length);
  setInterval(() => {
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    // The monotonic clock is the same in every process of a machine.
    payload.writeBigUInt64BE(process.hrtime.bigint());
    const qos = sent % QOS_1_EVERY === 0 ? 1 : 0;
    sent += 1;
    client.publish(`rooms/car${i}/telemetry`, payload, { qos });
  }, INTERVAL_MS);
}
