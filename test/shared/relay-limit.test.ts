import { expect, test } from 'vitest';
import type { Usage } from '../../shared/messages.ts';
import { createRelayLimit } from '../../shared/relay-limit.ts';

const usage = (limitKbps?: number): Usage => ({
  v: 1,
  ts: 1,
  month: '2027-05',
  car: { relayBytes: 1 },
  all: { relayBytes: 1 },
  level: limitKbps === undefined ? 'fine' : 'exceeded',
  ...(limitKbps === undefined ? {} : { limitKbps }),
});

function limited() {
  const told: (number | null)[] = [];
  return { told, ...createRelayLimit((kbps) => told.push(kbps)) };
}

test('a limit holds while the path is relayed, and is told once', () => {
  const { told, usage: hear, path } = limited();
  hear(usage(300));
  path(false);
  expect(told).toEqual([]);
  path(true);
  path(true);
  hear(usage(300));
  expect(told).toEqual([300]);
  path(false);
  expect(told).toEqual([300, null]);
});

test('it goes with the month, with the message, and changes with the budget’s', () => {
  const { told, usage: hear, path } = limited();
  path(true);
  for (const said of [usage(300), usage(200), usage(), usage(300), null]) hear(said);
  expect(told).toEqual([300, 200, null, 300, null]);
});
