/**
 * Records one message of each kind from a real run and writes them into docs/protocol.md, below its
 * `<!-- example: … -->` lines. Run by `npm run docs:examples`.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { startServer } from '../broker/serve.ts';
import { systemClock } from '../shared/clock.ts';
import { createOperatorEnd } from '../shared/operator-end.ts';
import { createTopics } from '../shared/topics.ts';
import { VSS } from '../shared/vss.ts';
import { runVehicle } from '../vehicle/agent.ts';
import { testFleet } from './helpers/keys.ts';
import { weriftOperator } from './helpers/werift-peer.ts';

const DOC = new URL('../docs/protocol.md', import.meta.url);
const OPERATOR = 'op-7d2a91c4';
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };

const data = await mkdtemp(join(tmpdir(), 'plntry-examples-'));
const fleet = testFleet();

const examples: Record<string, string[]> = {};
const keep = (name: string, text: string) => {
  examples[name] ??= [];
  examples[name].push(text);
};

const server = await startServer(
  { port: 0, mqttPort: 0, budgets: { all: 50e9, car: 5e9, cars: new Map() } },
  log,
);
const listener = await mqtt.connectAsync(server.mqttUrl, { protocolVersion: 4 });
const topics = createTopics();
listener.on('message', (name, payload) => {
  const topic = topics.parse(name);
  const text = payload.toString();
  if (!topic || text === '') return;
  const name2 = topic.kind === 'sdp' ? `sdp ${JSON.parse(text).type}` : topic.kind;
  keep(name2, `${name} ${text}`);
});
await listener.subscribeAsync(topics.filters.all());

const vehicle = await runVehicle(
  {
    room: 'car1',
    name: 'Car 1',
    broker: server.mqttUrl,
    root: 'rooms',
    maxOperators: 8,
    fps: 30,
    kbps: 1500,
    iceServers: [],
    keyFile: join(data, 'car1.key'),
    fleetKey: { key: fleet.key, file: join(data, 'car1.fleet') },
  },
  log,
);
const createPeer = weriftOperator({ packets: 0, nalTypes: new Set() });
const { promise: connected, resolve: onConnected } = Promise.withResolvers<void>();
const { promise: granted, resolve: onGranted } = Promise.withResolvers<void>();
const operator = createOperatorEnd({
  url: server.mqttUrl,
  room: 'car1',
  self: OPERATOR,
  identity: fleet.operator(OPERATOR).identity,
  createPeer(handlers) {
    const peer = createPeer({
      ...handlers,
      message(channel, text) {
        keep(channel === 'control' ? 'state' : 'events', text);
        handlers.message(channel, text);
      },
    });
    return {
      ...peer,
      send(channel, text) {
        keep(channel === 'control' ? 'command' : 'events', text);
        return peer.send(channel, text);
      },
    };
  },
  arrival: 'preparing',
  onView(view) {
    if (view.link.phase === 'connected') onConnected();
    if (view.claim.state === 'held') onGranted();
  },
  onState() {},
  clock: systemClock,
});
await connected;
operator.enter();
operator.request();
await granted;
const driving = setInterval(
  () => operator.command({ steer: 0.12, throttle: 0.6, brake: 0, gear: 'D', video: 41 }),
  20,
);
while (!examples.link?.some((text) => !text.includes('"kbps":0')) || (examples.command?.length ?? 0) < 100) {
  await new Promise((resolve) => listener.once('message', resolve));
}
// Somebody else would like to.
const other = createOperatorEnd({
  url: server.mqttUrl,
  room: 'car1',
  self: 'op-19c0ffee',
  identity: fleet.operator('op-19c0ffee').identity,
  createPeer: weriftOperator({ packets: 0, nalTypes: new Set() }),
  arrival: 'entered',
  onView: ({ link, claim }) =>
    void (link.phase === 'connected' && claim.state === 'none' && other.request('handover')),
  onState() {},
  clock: systemClock,
});
while (operator.view.askedBy === null) await new Promise((resolve) => listener.once('message', resolve));
operator.decline();
await other.close();
clearInterval(driving);
operator.release();
await operator.close();
while (!examples.bye) await new Promise((resolve) => listener.once('message', resolve));
await vehicle.close();
await listener.endAsync();
await server.close();
await rm(data, { recursive: true });

/** Late ones are more telling than the first: the car moves, the lease is held. */
const pick: Record<string, (all: string[]) => string[]> = {
  presence: (all) => [
    all.find((text) => text.includes('"vehicle"')) ?? '',
    all.find((text) => text.includes('"preparing"')) ?? '',
    all.find((text) => text.includes('"operator"') && !text.includes('"preparing"')) ?? '',
    all.find((text) => text.includes('"offline"')) ?? '',
  ],
  offer: (all) => [
    all[0] ?? '',
    all.find((text) => text.includes('"connected","prepared"')) ?? '',
    all.find((text) => text.includes('"connected"}')) ?? '',
  ],
  lease: (all) => all.filter((text) => text.includes(OPERATOR)).slice(0, 1),
  safety: (all) => all.filter((text) => text.includes('"driving"')).slice(0, 1),
  events: (all) => {
    const types = ['enter', 'request', 'grant', 'limits', 'handover', 'decline', 'release', 'clock', 'echo'];
    return types.flatMap((type) => all.find((text) => text.includes(`"${type}"`)) ?? []);
  },
};
const late = (all: string[]) => all.slice(-20, -19).concat(all.slice(-1)).slice(0, 1);

const block = (name: string): string => {
  const all = examples[name] ?? [];
  const chosen = (
    pick[name] ?? (name.startsWith('sdp') || name === 'ice' ? (list) => list.slice(0, 1) : late)
  )(all);
  if (chosen.length === 0) throw new Error(`no example of ${name} was recorded`);
  return `\`\`\`\n${chosen.join('\n')}\n\`\`\``;
};
const vssTable = ['| name | unit |', '| --- | --- |']
  .concat(Object.entries(VSS).map(([name, { unit }]) => `| \`${name}\` | ${unit} |`))
  .join('\n');

const doc = await readFile(DOC, 'utf8');
const filled = doc
  .replace(
    /(<!-- example: ([a-z ]+) -->)(\n```\n[^`]*\n```)?/g,
    (_, marker, name) => `${marker}\n${block(name)}`,
  )
  .replace(/<!-- vss -->(\n\|[^\n]*)*/, `<!-- vss -->\n${vssTable}`);
await writeFile(DOC, filled);
