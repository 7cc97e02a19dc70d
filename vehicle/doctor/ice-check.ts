/** Every STUN and TURN server, over each transport, and what they tell of the network here. */
import { isIP } from 'node:net';
import type { IceServer } from '../../shared/server-api.ts';
import { type Target, targetsOf } from '../webrtc/ice-targets.ts';
import { openProbeSocket, type ProbeSocket } from '../webrtc/probe-socket.ts';
import { ownAddresses, resolve } from '../webrtc/resolve.ts';
import { answerOf } from '../webrtc/server-errors.ts';
import type { Address } from '../webrtc/stun.ts';
import type { Findings, TriedServer } from './findings.ts';
import { natOf, type Sight } from './nat.ts';
import { tryRelay } from './relay-trial.ts';

/** A STUN server that has not answered after this doesn't answer, ms. */
const LIMIT_MS = 4_000;
const LOOPBACK = { address: '127.0.0.1' };

type IceFindings = Pick<Findings, 'servers' | 'nat'>;

export async function checkIce(servers: IceServer[], signal: AbortSignal): Promise<IceFindings> {
  const targets = targetsOf(servers);
  const sockets = await openSockets();
  const sights: Sight[] = [];
  try {
    const tried = await Promise.all(targets.map((target) => tryServer(target, sockets, sights, signal)));
    const socket = sockets[4];
    const own = [LOOPBACK, ...ownAddresses()].map(({ address }) => placeOf([address, socket?.port ?? 0]));
    const overUdp = targets.some(({ transport, skip }) => skip === null && transport === 'udp');
    const others = tried.some(({ url, answer }) => answer === 'ok' && isStream(targets, url));
    return { servers: tried, nat: natOf(sights, own, overUdp, others) };
  } finally {
    for (const socket of Object.values(sockets)) socket?.close();
  }
}

type Sockets = Record<4 | 6, ProbeSocket | null>;

async function openSockets(): Promise<Sockets> {
  const [four, six] = await Promise.all(
    [4, 6].map((family) => openProbeSocket(family as 4 | 6).catch(() => null)),
  );
  return { 4: four ?? null, 6: six ?? null };
}

async function tryServer(
  target: Target,
  sockets: Sockets,
  sights: Sight[],
  signal: AbortSignal,
): Promise<TriedServer> {
  const { url, skip, kind, transport } = target;
  if (skip !== null) return { url, answer: 'skipped', detail: skip };
  const startedAt = performance.now();
  const ms = () => Math.round(performance.now() - startedAt);
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const asking = transport === 'udp' ? askAll(target, sockets, sights, limit) : null;
    asking?.catch(() => {});
    if (kind === 'stun') {
      const seen = await asking;
      return { url, answer: 'ok', ms: ms(), ...seen };
    }
    const relay = await tryRelay(target, sockets[4], signal);
    const after = ms();
    const seen = await asking?.catch(() => null);
    if (relay.from) sights.push({ to: placeOf(relay.relayed), from: placeOf(relay.from) });
    return {
      url,
      answer: 'ok',
      ms: after,
      ...seen,
      rttMs: rounded(relay.rttMs),
      relayed: placeOf(relay.relayed),
      carries: { relayed: relay.fromRelay, direct: relay.from !== null },
    };
  } catch (error) {
    return { url, ...answerOf(error, ms()) };
  }
}

/** Of the first family that answers. */
async function askAll(
  target: Target,
  sockets: Sockets,
  sights: Sight[],
  signal: AbortSignal,
): Promise<Pick<TriedServer, 'seen' | 'rttMs'>> {
  const addresses = await resolve(target.host);
  const asking = addresses.map(async (host) => {
    const family = isIP(host) as 4 | 6;
    const socket = sockets[family];
    if (!socket) throw new Error('this machine has no address of its family');
    const { address, rttMs } = await socket.ask([host, target.port], signal);
    // The NAT that matters is that of IPv4.
    if (family === 4) sights.push({ to: placeOf([host, target.port]), from: placeOf(address) });
    return { seen: placeOf(address), rttMs: rounded(rttMs) };
  });
  return Promise.any(asking).catch((error) => {
    throw (error as AggregateError).errors[0];
  });
}

const isStream = (targets: Target[], url: string) =>
  targets.some((target) => target.url === url && target.transport !== 'udp');

const rounded = (ms: number) => Math.round(ms * 10) / 10;

function placeOf([host, port]: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
