import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import multicastDns from 'multicast-dns';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAdmission } from '../../vehicle/webrtc/candidates.ts';
import { createMdnsLookup } from '../../vehicle/webrtc/mdns.ts';
import { priorityOf } from '../../vehicle/webrtc/path-priority.ts';

const line = (host: string, port = 5000, type = 'host', transport = 'udp') =>
  `candidate:1 1 ${transport} 2122260223 ${host} ${port} typ ${type} generation 0`;
const init = (candidate: string) => ({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
const admit = (candidate: string, allowLoopback = false) =>
  createAdmission(allowLoopback).admit(init(candidate));

describe('a candidate of the other end', () => {
  test.each(['192.0.2.7', '10.0.0.1', '2001:db8::1', 'fd00::2'])('%s is used', (host) => {
    expect(admit(line(host))).toEqual({ candidate: { host, port: 5000, type: 'host' }, lookUp: false });
  });

  test('a hidden one is looked up', () => {
    expect(admit(line('0c1f8a2e-5b6d-4a3c-9d2e-111111111111.local'))).toMatchObject({ lookUp: true });
  });

  test.each([
    ['a name', line('example.org')],
    ['a name that only looks hidden', line('a.b.local')],
    ['multicast', line('224.0.0.251')],
    ['multicast', line('ff02::1')],
    ['broadcast', line('255.255.255.255')],
    ['nowhere', line('0.0.0.0')],
    ['nowhere', line('::')],
    ['loopback', line('127.0.0.1')],
    ['loopback', line('127.8.0.1')],
    ['loopback', line('::1')],
    ['loopback in other clothes', line('::ffff:127.0.0.1')],
    ['loopback in other clothes', line('0:0:0:0:0:ffff:7f00:1')],
    ['loopback in other clothes', line('::127.0.0.1')],
    ['an interface of ours', line('fe80::1%eth0')],
    ['port 0', line('192.0.2.7', 0)],
    ['a port that there is not', line('192.0.2.7', 65_536)],
    ['TCP', line('192.0.2.7', 9, 'host', 'tcp')],
    ['an unknown type', line('192.0.2.7', 5000, 'else')],
    ['nothing', ''],
  ])('that is %s is not: %s', (_what, candidate) => {
    expect(admit(candidate)).toBeNull();
  });

  test('on loopback is used where that is allowed', () => {
    expect(admit(line('127.0.0.1'), true)).not.toBeNull();
    expect(admit(line('::1'), true)).not.toBeNull();
    expect(admit(line('0.0.0.0'), true)).toBeNull();
  });

  test('counts once, and 64 of them, of which eight are looked up and a few of a type checked', () => {
    const admission = createAdmission(false);
    expect(admission.admit(init(line('192.0.2.1')))).not.toBeNull();
    expect(admission.admit(init(line('192.0.2.1')))).toBeNull();
    const names = Array.from({ length: 20 }, (_, at) => admission.admit(init(line(`name-${at}.local`))));
    expect(names.filter(Boolean)).toHaveLength(8);
    const others = Array.from({ length: 100 }, (_, at) =>
      admission.admit(init(line('192.0.2.2', 1000 + at))),
    );
    expect(others.filter(Boolean)).toHaveLength(64 - 21);
    const checked = others.filter((one) => one && admission.checks(one.candidate));
    expect(checked).toHaveLength(5);
  });

  test('may be anything', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((some) => line(some)),
    );
    fc.assert(fc.property(text, (candidate) => void admit(candidate)));
  });
});

describe('which path is used', () => {
  const order = (...all: number[]) => expect(all).toEqual(all.toSorted((a, b) => b - a));

  test('the direct before the relayed, and one relay before two', () => {
    order(
      priorityOf(null, '192.0.2.1', 'host'),
      priorityOf(null, '192.168.0.7', undefined),
      priorityOf(null, '192.0.2.1', 'srflx'),
      priorityOf(null, '192.0.2.1', undefined),
      priorityOf(null, '192.0.2.1', 'relay'),
      priorityOf('udp', '192.0.2.1', 'srflx'),
      priorityOf('tcp', '192.0.2.1', 'srflx'),
      priorityOf('tls', '192.0.2.1', 'srflx'),
      priorityOf('udp', '192.0.2.1', 'relay'),
    );
  });
});

describe('a hidden name', () => {
  /** Answers to all names of a test as somebody in the network does. */
  async function answering(address: string) {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const responder = multicastDns({ socket });
    onTestFinished(() => responder.destroy());
    (responder as unknown as NodeJS.EventEmitter).on('query', ({ questions }) => {
      const answers = questions
        .filter(
          ({ type, name }: { type: string; name: string }) => type === 'A' && name.startsWith('plntry-test'),
        )
        .map(({ name }: { name: string }) => ({ name, type: 'A', ttl: 120, data: address }));
      if (answers.length > 0) (responder as unknown as { respond(all: object[]): void }).respond(answers);
    });
    await once(socket, 'listening');
  }

  const lookUp = (name: string) => {
    const admission = createAdmission(false);
    const lookup = createMdnsLookup(admission.found);
    onTestFinished(() => lookup.close());
    return new Promise<string | null>((resolve) => {
      lookup.lookUp(name, resolve);
      setTimeout(() => resolve(null), 1_500);
    });
  };

  test('has an address that somebody in the network tells', async () => {
    await answering('192.0.2.99');
    expect(await lookUp('plntry-test-1.local')).toBe('192.0.2.99');
  });

  test('leads nowhere on this machine, whoever says so', async () => {
    await answering('127.0.0.1');
    expect(await lookUp('plntry-test-2.local')).toBeNull();
  });
});
