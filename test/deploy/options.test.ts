/** What options take, and where their values come from. */
import { describe, expect, test } from 'vitest';
import { banner, watchCommand } from '../../deploy/banner.ts';
import { type ServeFlags, serveCommand, serverOptions } from '../../deploy/command-serve.ts';
import {
  iceServersOf,
  parseHost,
  parseName,
  parsePort,
  parseRoom,
  parseRoot,
  portVariable,
  urlOf,
  variableOf,
  wholeNumber,
  withoutEmptyVariables,
} from '../../deploy/options.ts';

const brokerUrl = urlOf('--broker', ['mqtt', 'mqtts']);

test.each([
  [parsePort, '0', 0],
  [parsePort, '65535', 65_535],
  [wholeNumber(1, 60), '30', 30],
  [parseRoom, 'car-1', 'car-1'],
  [parseRoot, 'site/rooms', 'site/rooms'],
  [parseHost, '::1', '::1'],
  [parseName, 'Van 7', 'Van 7'],
  [brokerUrl, 'mqtts://me:secret@broker:8883', 'mqtts://me:secret@broker:8883'],
  [iceServersOf('--ice-servers'), '[{"urls":"stun:a"}]', [{ urls: 'stun:a' }]],
])('%o takes %s', (parse: (text: string) => unknown, text, value) => {
  expect(parse(text)).toEqual(value);
});

test.each([
  [parsePort, '65536', 'not a port from 0 to 65535'],
  [parsePort, '-1', 'not a port'],
  [parsePort, '80.5', 'not a port'],
  [parsePort, '', 'not a port'],
  [wholeNumber(1, 60), '0', 'not a whole number from 1 to 60'],
  [parseRoom, 'Car1', '1 to 32 of a-z'],
  [parseRoot, 'rooms/#', 'no wildcards'],
  [parseHost, 'http://x', 'not a host name'],
  [parseName, ' ', '1 to 64 characters'],
  [
    brokerUrl,
    'broker:1883',
    "option '--broker' (environment PLNTRY_BROKER) is not a URL that begins with mqtt:// or mqtts://.",
  ],
  [brokerUrl, 'http://me:secret@broker', 'is not a URL that begins'],
  [iceServersOf('--ice-servers'), '{', 'PLNTRY_ICE_SERVERS) is invalid: it is not JSON.'],
  [iceServersOf('--ice-servers'), '[{"urls":"turn:a","credential":"secret"}]', 'needs a username'],
])('%o does not take %s', (parse: (text: string) => unknown, text, message) => {
  expect(() => parse(text)).toThrow(message);
  expect(() => parse(text)).not.toThrow('secret');
});

test('the web port is read from PLNTRY_PORT, and from PORT when that is not set', () => {
  expect(variableOf('--mqtt-port')).toBe('PLNTRY_MQTT_PORT');
  expect(portVariable({ PORT: '1', PLNTRY_PORT: '2' })).toBe('PLNTRY_PORT');
  expect(portVariable({ PORT: '1' })).toBe('PORT');
  expect(portVariable({})).toBe('PLNTRY_PORT');
});

test('empty variables count as unset', () => {
  const environment: Record<string, string> = { PLNTRY_NAME: '', PORT: '', HOME: '', PLNTRY_ROOT: 'r' };
  withoutEmptyVariables(environment);
  expect(environment).toEqual({ HOME: '', PLNTRY_ROOT: 'r' });
});

describe('a broker of one’s own', () => {
  const flags = (more: Partial<ServeFlags>) => ({
    host: 'h',
    port: 1,
    mqttPort: 2,
    mqttsPort: 3,
    root: 'r',
    logLevel: 'info' as const,
    relayBudgetAction: 'warn' as const,
    relayLimitKbps: 300,
    ...more,
  });

  test('needs no second address when pages can use the first, and then keeps its password', () => {
    const { external } = serverOptions(flags({ broker: 'wss://me:secret@b.example.org/mqtt' }));
    expect(external).toEqual({
      url: 'wss://me:secret@b.example.org/mqtt',
      pageUrl: 'wss://b.example.org/mqtt',
    });
  });

  test('needs one otherwise', () => {
    expect(() => serverOptions(flags({ broker: 'mqtt://b' }))).toThrow('--broker-page-url');
    expect(() => serverOptions(flags({ brokerPageUrl: 'ws://b' }))).toThrow("needs '--broker'");
    const both = flags({ broker: 'mqtt://b', brokerPageUrl: 'ws://b' });
    expect(serverOptions(both).external).toEqual({ url: 'mqtt://b', pageUrl: 'ws://b' });
    expect(serverOptions(flags({})).external).toBeUndefined();
  });
});

test('a flag goes before the environment, and the environment before the default', () => {
  const parsed = (args: string[], variables: Record<string, string>) => {
    Object.assign(process.env, variables);
    const command = serveCommand().action(() => {});
    try {
      command.parse(args, { from: 'user' });
      return command.opts<ServeFlags>();
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
  };
  expect(parsed([], {}).mqttPort).toBe(1883);
  expect(parsed([], { PLNTRY_MQTT_PORT: '2' }).mqttPort).toBe(2);
  expect(parsed(['--mqtt-port', '3'], { PLNTRY_MQTT_PORT: '2' }).mqttPort).toBe(3);
});

test('the line to paste fits the broker, and can be pasted', () => {
  expect(watchCommand('mqtt://127.0.0.1:1884', 'rooms')).toBe(
    "mosquitto_sub -h 127.0.0.1 -p 1884 -t 'rooms/#' -v",
  );
  expect(watchCommand('mqtt://[::1]:1883', "o'hare")).toBe(
    "mosquitto_sub -h ::1 -p 1883 -t 'o'\\''hare/#' -v",
  );
  expect(watchCommand('mqtts://broker', 'r')).toBe(
    "mosquitto_sub -h broker -p 8883 --tls-use-os-certs -t 'r/#' -v",
  );
  expect(watchCommand('wss://broker/mqtt', 'r')).toBeNull();
  expect(banner({ open: ['http://h'], mqttUrl: 'ws://b', root: 'r' })).not.toContain('mosquitto_sub');
});
