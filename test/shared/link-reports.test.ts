/** What a vehicle says of its sessions' paths. */
import { expect, test } from 'vitest';
import { createLinkReports } from '../../shared/link-reports.ts';
import type { Body } from '../../shared/messages.ts';
import type { PathStats } from '../../shared/peer.ts';
import { NO_REPORTS } from '../../shared/reports.ts';
import { manualClock } from '../helpers/clock.ts';

const SESSION = 'same-name';

test('operators whose sessions have the same name each have figures of their own', async () => {
  const { clock, pass } = manualClock();
  const said: [string, Body<'link'>][] = [];
  const links = createLinkReports((operator, body) => said.push([operator, body]), clock);
  const sent = { 'op-1': 0, 'op-2': 0 };
  const operator = (id: keyof typeof sent) => ({
    session: {
      link: { phase: 'connected', session: SESSION },
      stats: async (): Promise<PathStats> => ({
        path: 'host',
        protocol: 'udp',
        bytesSent: sent[id],
        bytesReceived: 0,
        relayBytes: 0,
      }),
    } as unknown as Parameters<typeof links.sayAll>[0] extends ReadonlyMap<string, { session: infer S }>
      ? S
      : never,
    reports: { now: NO_REPORTS },
  });
  const operators = new Map((['op-1', 'op-2'] as const).map((id) => [id, operator(id)]));
  await links.sayAll(operators);
  pass(1_000);
  sent['op-1'] += 125_000;
  sent['op-2'] += 12_500;
  await links.sayAll(operators);
  expect(said.slice(2).map(([id, { kbps }]) => [id, kbps])).toEqual([
    ['op-1', 1_000],
    ['op-2', 100],
  ]);
});
