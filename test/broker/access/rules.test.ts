/** Who may say and hear what, tried out on the running broker: every topic with every role. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import mqtt, { type MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { createAccess } from '../../../broker/access/access.ts';
import { createGate } from '../../../broker/access/gate.ts';
import { RULES } from '../../../broker/access/rules.ts';
import { createBroker } from '../../../broker/broker.ts';
import { createGuard } from '../../../broker/limits/guard.ts';
import { DEFAULT_LIMITS } from '../../../broker/limits/limits.ts';
import { createMqttTcp } from '../../../broker/mqtt-tcp.ts';
import { systemClock } from '../../../shared/clock.ts';
import type { Role } from '../../../shared/roles.ts';
import { testFolder } from '../../helpers/folder.ts';
import { recordLog } from '../../helpers/log.ts';
import { connectMqtt } from '../../helpers/mqtt-clients.ts';

/** vehicle car1, operator op-a of car1, supervisor sv-a of car*, monitor mon-1 of car1. */
const CLIENTS: Record<Role, { sub: string; rooms: string[] }> = {
  vehicle: { sub: 'car1', rooms: ['car1'] },
  operator: { sub: 'op-a', rooms: ['car1'] },
  supervisor: { sub: 'sv-a', rooms: ['car*'] },
  monitor: { sub: 'mon-1', rooms: ['car1'] },
};
const ROLES = Object.keys(CLIENTS) as Role[];

/** p: may publish, r: may receive; in the order of the roles above. */
const MATRIX: Record<string, [string, string, string, string]> = {
  'rooms/car1/peers/car1': ['pr', 'r', 'r', 'r'],
  'rooms/car1/peers/op-a': ['r', 'pr', 'r', 'r'],
  'rooms/car1/peers/sv-a': ['r', 'r', 'pr', 'r'],
  'rooms/car1/peers/mon-1': ['r', 'r', 'r', 'r'],
  'rooms/car1/peers/op-b': ['r', 'r', 'r', 'r'],
  'rooms/car1/peers/NOT-AN-ID': ['', '', '', 'r'],
  'rooms/car1/peers/car1/more': ['', '', '', 'r'],
  'rooms/car1/offer': ['p', 'r', 'r', 'r'],
  'rooms/car1/telemetry': ['p', 'r', 'r', 'r'],
  'rooms/car1/lease': ['p', 'r', 'r', 'r'],
  'rooms/car1/safety': ['p', 'r', 'r', 'r'],
  'rooms/car1/usage': ['r', 'r', 'r', 'r'],
  'rooms/car1/estop': ['r', 'p', 'p', 'r'],
  'rooms/car1/link/op-a': ['p', 'r', '', 'r'],
  'rooms/car1/link/op-b': ['p', '', '', 'r'],
  ...Object.fromEntries(
    ['sdp', 'ice', 'bye', 'report'].flatMap((kind) =>
      Object.entries<[string, string, string, string]>({
        [`rooms/car1/${kind}/car1/op-a`]: ['p', 'r', '', 'r'],
        [`rooms/car1/${kind}/op-a/car1`]: ['r', 'p', '', 'r'],
        [`rooms/car1/${kind}/car1/sv-a`]: ['p', '', 'r', 'r'],
        [`rooms/car1/${kind}/sv-a/car1`]: ['r', '', 'p', 'r'],
        [`rooms/car1/${kind}/car1/op-b`]: ['p', '', '', 'r'],
        [`rooms/car1/${kind}/op-b/car1`]: ['r', '', '', 'r'],
        [`rooms/car1/${kind}/op-a/op-b`]: ['', '', '', 'r'],
        [`rooms/car1/${kind}/op-b/op-a`]: ['', '', '', 'r'],
      }),
    ),
  ),
  'rooms/car1/anything': ['', '', '', 'r'],
  'rooms/car2/peers/car2': ['', '', 'r', ''],
  'rooms/car2/peers/car1': ['', '', 'r', ''],
  'rooms/car2/peers/op-a': ['', '', 'r', ''],
  'rooms/car2/peers/sv-a': ['', '', 'pr', ''],
  'rooms/car2/offer': ['', '', 'r', ''],
  'rooms/car2/estop': ['', '', 'p', ''],
  'rooms/car2/sdp/car2/sv-a': ['', '', 'r', ''],
  'rooms/car2/sdp/op-a/car2': ['', '', '', ''],
  'rooms/van1/peers/van1': ['', '', '', ''],
  'rooms/van1/estop': ['', '', '', ''],
  'rooms/op-a/peers/op-a': ['', '', '', ''],
  'rooms/op-a/telemetry': ['', '', '', ''],
  'rooms/sv-a/peers/sv-a': ['', '', '', ''],
  'elsewhere/car1/estop': ['', '', '', ''],
  rooms: ['', '', '', ''],
  'rooms/car1': ['', '', '', ''],
  '/rooms/car1/estop': ['', '', '', ''],
  'rooms//estop': ['', '', '', ''],
};
const ROWS = Object.entries(MATRIX).flatMap(([topic, cells]) =>
  ROLES.map((role, index) => ({ topic, role, cell: cells[index] ?? '' })),
);

async function guardedBroker() {
  const record = recordLog();
  const access = createAccess({ data: testFolder(), root: 'rooms' }, systemClock, record.log);
  // Asking for each topic on its own is faster than clients may be.
  const rate = 10_000;
  const messages = { vehicle: rate, operator: rate, supervisor: rate, monitor: rate, anyone: rate };
  const guard = createGuard(
    { limits: { ...DEFAULT_LIMITS, messages }, root: 'rooms', onHit() {} },
    record.log,
  );
  const broker = await createBroker(guard, record.log, (listener) =>
    createGate(access, systemClock, () => {}, listener),
  );
  const tcp = createMqttTcp(broker, guard);
  await new Promise<void>((resolve) => tcp.server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    access.close();
    await broker.close();
    await tcp.close();
    guard.close();
  });
  const url = `mqtt://127.0.0.1:${(tcp.server.address() as { port: number }).port}`;
  const inside = new mqtt.MqttClient(() => broker.open(), {
    clientId: 'inside',
    protocolVersion: 4,
    keepalive: 10,
  });
  onTestFinished(() => inside.endAsync(true));
  return {
    ...record,
    inside,
    async client(role: Role): Promise<MqttClient> {
      const { sub, rooms } = CLIENTS[role];
      const { text: password } = await access.issuer.token(sub, { role, rooms, forS: 60 });
      return connectMqtt(url, { clientId: sub, username: sub, password });
    },
  };
}

test('what each role may publish, topic by topic', { timeout: 60_000 }, async () => {
  const { client } = await guardedBroker();
  const wrong: string[] = [];
  for (const { topic, role, cell } of ROWS) {
    const one = await client(role);
    const closed = new Promise<'refused'>((resolve) => one.once('close', () => resolve('refused')));
    const taken = one.publishAsync(topic, 'x', { qos: 1 }).then(() => 'taken' as const);
    const outcome = await Promise.race([taken, closed]);
    if ((outcome === 'taken') !== cell.includes('p')) wrong.push(`${role} publishes ${topic}: ${outcome}`);
    taken.catch(() => {});
    await one.endAsync(true);
  }
  expect(wrong).toEqual([]);
});

test('what each role is delivered of everything, and which exact topics it may subscribe to', {
  timeout: 60_000,
}, async () => {
  const { client, inside } = await guardedBroker();
  const last = {
    vehicle: 'rooms/car1/usage',
    operator: 'rooms/car1/usage',
    supervisor: 'rooms/car1/usage',
    monitor: 'rooms/car1/usage',
  };
  for (const role of ROLES) {
    const one = await client(role);
    const heard: string[] = [];
    const done = new Promise<void>((resolve) =>
      one.on('message', (topic, payload) => {
        if (payload.toString() === 'last') resolve();
        else heard.push(topic);
      }),
    );
    const [granted] = await one.subscribeAsync('#', { qos: 1 });
    expect(granted?.qos).toBe(1);
    for (const topic of Object.keys(MATRIX)) await inside.publishAsync(topic, 'x', { qos: 1 });
    await inside.publishAsync(last[role], 'last', { qos: 1 });
    await done;
    const expected = ROWS.filter((row) => row.role === role && row.cell.includes('r')).map(
      ({ topic }) => topic,
    );
    expect(heard.sort()).toEqual(expected.sort());

    const another = await client(role);
    for (const { topic, cell } of ROWS.filter((row) => row.role === role)) {
      const outcome = await another.subscribeAsync(topic, { qos: 1 }).catch(() => null);
      const granted = outcome !== null && outcome[0]?.qos !== 128;
      expect({ role, topic, granted }).toEqual({ role, topic, granted: cell.includes('r') });
    }
    await Promise.all([one.endAsync(true), another.endAsync(true)]);
  }
});

test('what is retained is told to who may know it, and to nobody else', async () => {
  const { client, inside } = await guardedBroker();
  for (const topic of ['rooms/car1/lease', 'rooms/car2/lease', 'rooms/car1/link/op-b'])
    await inside.publishAsync(topic, 'x', { qos: 1, retain: true });
  const operator = await client('operator');
  const heard: string[] = [];
  const last = new Promise<void>((resolve) =>
    operator.on('message', (topic, _payload, { retain }) => {
      if (retain) heard.push(topic);
      else resolve();
    }),
  );
  await operator.subscribeAsync('#', { qos: 1 });
  await inside.publishAsync('rooms/car1/usage', 'last', { qos: 1 });
  await last;
  expect(heard).toEqual(['rooms/car1/lease']);
});

test('docs/security.md has every rule, and no other', () => {
  const docs = readFileSync(fileURLToPath(new URL('../../../docs/security.md', import.meta.url)), 'utf8');
  const shown = [...docs.matchAll(/^\| [a-z, ]+ \| (?:publish|receive) \| .*$/gm)].map(([line]) => line);
  const rules = RULES.map(
    ({ roles, action, topic, what }) => `| ${roles.join(', ')} | ${action} | \`${topic}\` | ${what} |`,
  );
  expect(shown).toEqual(rules);
});

test('$SYS is read by monitors alone, and written by nobody', async () => {
  const { client } = await guardedBroker();
  const monitor = await client('monitor');
  const told = new Promise<string>((resolve) => monitor.once('message', resolve));
  await monitor.subscribeAsync('$SYS/#');
  for (const role of ['vehicle', 'operator', 'supervisor'] as const) {
    const one = await client(role);
    const refused = await one.subscribeAsync('$SYS/#').catch((error: Error) => error);
    expect(refused).toBeInstanceOf(Error);
  }
  expect(await told).toMatch(/^\$SYS\//);
  for (const role of ROLES) {
    const one = await client(role);
    const closed = new Promise<void>((resolve) => one.once('close', () => resolve()));
    one.publish('$SYS/fake', 'x');
    await closed;
  }
});

test('who breaks a rule is told of in the log, and others stay', async () => {
  const { client, logged, inside } = await guardedBroker();
  const [car, operator] = await Promise.all([client('vehicle'), client('operator')]);
  await car.subscribeAsync('rooms/car1/estop', { qos: 1 });
  const heard = new Promise<string>((resolve) =>
    car.once('message', (_topic, payload) => resolve(payload.toString())),
  );
  operator.publish('rooms/car1/telemetry', 'forged', { qos: 1 });
  const { fields } = await logged(({ message }) => message === 'MQTT client refused');
  expect(fields).toMatchObject({ client: 'op-a', reason: "it may not publish to 'rooms/car1/telemetry'" });
  await inside.publishAsync('rooms/car1/estop', 'still here', { qos: 1 });
  expect(await heard).toBe('still here');
});
