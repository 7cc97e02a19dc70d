/** What both ends have reported of the network, as rows of a table. Pure. */
import type { Gathered, PeerReport, ServerAnswer, StateChange } from '../../../shared/report.ts';
import { parseServerUrl, serverKey } from '../../../shared/server-url.ts';
import { UNKNOWN } from '../../format.ts';
import type { Tone } from '../sentence.ts';

export interface Cell {
  text: string;
  tone: Tone;
  /** What else is known. */
  hint?: string;
}

export interface Row {
  name: string;
  /** The second line of the name. */
  kind?: string;
  here: Cell;
  there: Cell;
}

const NOT_KNOWN: Cell = { text: UNKNOWN, tone: 'off' };

export function reportRows(here: PeerReport | null, there: PeerReport | null): Row[] {
  const row = (name: string, cell: (report: PeerReport) => Cell, kind?: string): Row => ({
    name,
    ...(kind ? { kind } : {}),
    here: here ? cell(here) : NOT_KNOWN,
    there: there ? cell(there) : NOT_KNOWN,
  });
  return [
    row('Own addresses', ({ gathered }) => families(gathered, ['host'])),
    row('As seen outside', ({ gathered }) => families(gathered, ['srflx', 'prflx'])),
    row('Relays', relays),
    ...serversOf(here, there).map((url) => {
      const { name, kind } = serverName(url);
      return row(name, ({ servers }) => answerOf(servers, url), kind);
    }),
    row('ICE', ({ states }) => lastState(states, 'ice')),
    row('DTLS', ({ states }) => lastState(states, 'dtls')),
  ];
}

function families(gathered: Gathered[], types: Gathered['type'][]): Cell {
  const all = gathered.flatMap(({ type, family }) =>
    types.includes(type) ? [family === 'mDNS' ? 'hidden' : family] : [],
  );
  if (all.length === 0) return { text: 'none', tone: 'off' };
  const cell: Cell = { text: [...new Set(all)].join(', '), tone: 'fine' };
  return all.includes('hidden') ? { ...cell, hint: 'The browser gives a name (mDNS) in its place' } : cell;
}

function relays({ gathered, servers }: PeerReport): Cell {
  const all = gathered.flatMap(({ type, relayProtocol }) =>
    type === 'relay' ? [relayProtocol?.toUpperCase() ?? 'yes'] : [],
  );
  if (all.length > 0) return { text: [...new Set(all)].join(', '), tone: 'fine' };
  const needless = servers.some(({ answer }) => answer === 'skipped');
  return { text: 'none', tone: needless ? 'off' : 'careful' };
}

/** Those of both ends, each once. */
function serversOf(here: PeerReport | null, there: PeerReport | null): string[] {
  const all = [...(here?.servers ?? []), ...(there?.servers ?? [])];
  return [...new Map(all.map(({ url }) => [serverKey(url), url])).values()];
}

function serverName(url: string): { name: string; kind?: string } {
  const server = parseServerUrl(url);
  if (!server) return { name: url };
  const { kind, host, port, transport } = server;
  return { name: `${host}:${port}`, kind: `${kind.toUpperCase()} over ${transport.toUpperCase()}` };
}

function answerOf(servers: ServerAnswer[], url: string): Cell {
  const server = servers.find((one) => serverKey(one.url) === serverKey(url));
  if (!server) return { text: 'not configured', tone: 'off' };
  const hint = server.detail ? { hint: server.detail } : {};
  switch (server.answer) {
    case 'ok':
      return {
        text: server.ms === undefined ? 'answers' : `${Math.round(server.ms)} ms`,
        tone: 'fine',
        ...hint,
      };
    case 'refused':
      return { text: `refused${server.code ? ` (${server.code})` : ''}`, tone: 'danger', ...hint };
    case 'unreachable':
      return { text: 'no answer', tone: 'danger', ...hint };
    case 'unknown':
      return { text: 'name unknown', tone: 'danger', ...hint };
    case 'skipped':
      return { text: 'not tried', tone: 'off', ...hint };
    case 'waiting':
      return { text: 'waiting…', tone: 'off' };
  }
}

function lastState(states: StateChange[], of: StateChange['of']): Cell {
  const state = states.findLast((one) => one.of === of)?.state;
  if (state === undefined) return { text: 'not begun', tone: 'off' };
  if (state === 'connected' || state === 'completed') return { text: 'connected', tone: 'fine' };
  return { text: state, tone: state === 'failed' ? 'danger' : 'careful' };
}
