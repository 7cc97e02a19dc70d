/**
 * This end's addresses: its own, and from all servers of the list, over UDP, TCP and TLS, all at the same time,
 * each announced as soon as it is there. What each server answered is kept for the report.
 */
import { isIP } from 'node:net';
import type { Gathered, ServerAnswer } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { type Target, targetsOf } from './ice-targets.ts';
import { hostCandidate, type OwnCandidate, reflexiveCandidate, relayCandidate } from './own-candidates.ts';
import type { ProbeSocket } from './probe-socket.ts';
import { allocateAnywhere } from './relays.ts';
import { ownAddresses, resolve } from './resolve.ts';
import { answerOf, RefusedError, SilentError } from './server-errors.ts';
import type { Address } from './stun.ts';
import type { Allocation } from './turn-allocation.ts';

/** Longest time for one server, ms: its name, a connection with TLS, and the answers. Then gathering is over. */
const SERVER_LIMIT_MS = 5_000;

export interface GatheringOptions {
  servers: IceServer[];
  /** One for each family that this machine has. */
  sockets: ProbeSocket[];
  /** Where this machine has no address, those of its loopback may do. */
  loopback: boolean;
  candidate(candidate: OwnCandidate): void;
  /** Another relay can be used. */
  relay(allocation: Allocation): void;
  /** Something has come over one. */
  data(allocation: Allocation, packet: Buffer, peer: Address): void;
  /** A server has answered, or will not any more. */
  answered(): void;
}

export interface Gathering {
  gathered(): Gathered[];
  /** What each server has answered so far, in the order of the list. */
  answers(): ServerAnswer[];
  relays(): Allocation[];
  /** All servers have answered, or will not any more. */
  done: Promise<void>;
  close(): void;
}

export function gather(options: GatheringOptions): Gathering {
  const closing = new AbortController();
  const targets = targetsOf(options.servers);
  const relays = new Set<Allocation>();
  /** By address: what several servers say of one is told once (RFC 8445, section 5.1.3). */
  const found = new Map<string, OwnCandidate>();
  let answers = targets.map(({ url, skip: detail }): ServerAnswer => {
    return detail === null ? { url, answer: 'waiting' } : { url, answer: 'skipped', detail };
  });

  function announce(candidate: OwnCandidate, address: Address): void {
    const name = address.join(' ');
    if (closing.signal.aborted || found.has(name)) return;
    found.set(name, candidate);
    options.candidate(candidate);
  }

  function answered(target: Target, answer: Omit<ServerAnswer, 'url'>): void {
    if (closing.signal.aborted) return;
    answers = answers.map((old) => (old.url === target.url ? { url: old.url, ...answer } : old));
    options.answered();
  }

  async function ask(target: Target): Promise<void> {
    const startedAt = performance.now();
    const ms = () => Math.round(performance.now() - startedAt);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(SERVER_LIMIT_MS)]);
    // A TURN server over UDP answers to STUN as well, and browsers ask it.
    const seen = target.transport === 'udp' ? reflexive(target, signal) : Promise.resolve();
    seen.catch(() => {});
    try {
      await (target.kind === 'turn' ? relayed(target, signal) : seen);
      answered(target, { answer: 'ok', ms: ms() });
    } catch (error) {
      answered(target, answerOf(error, ms()));
    }
    await seen.catch(() => {});
  }

  /** How a server sees the sockets (RFC 8445, section 5.1.1.2). */
  async function reflexive(target: Target, signal: AbortSignal): Promise<void> {
    const addresses = await resolve(target.host);
    const asking = options.sockets.flatMap((socket) => {
      const host = addresses.find((address) => isIP(address) === socket.family);
      return host === undefined ? [] : [askAbout(socket, [host, target.port], signal)];
    });
    if (asking.length === 0) throw new SilentError('this machine has no address of its family');
    await Promise.any(asking).catch(({ errors }: AggregateError) => {
      throw errors.find((each) => each instanceof RefusedError) ?? errors[0];
    });
  }

  async function askAbout(socket: ProbeSocket, server: Address, signal: AbortSignal): Promise<void> {
    const { address } = await socket.ask(server, signal);
    const own: Address = [socket.family === 6 ? '::' : '0.0.0.0', socket.port];
    // Without a NAT in between it is one that is known.
    if (isOwn(address[0])) return;
    announce(reflexiveCandidate(address, own, server[0]), address);
  }

  async function relayed(target: Target, signal: AbortSignal): Promise<void> {
    let allocation: Allocation | null = null;
    const events = {
      data: (packet: Buffer, peer: Address) => allocation && options.data(allocation, packet, peer),
      lost(error: Error) {
        if (allocation && relays.delete(allocation)) answered(target, answerOf(error));
      },
    };
    const made = await allocateAnywhere(target, events, signal);
    if (closing.signal.aborted) return made.close();
    allocation = made;
    relays.add(made);
    options.relay(made);
    announce(relayCandidate(made), made.relayed);
  }

  const own = ownAddresses().map(({ address }) => address);
  for (const host of own.length === 0 && options.loopback ? ['127.0.0.1', '::1'] : own) {
    const socket = options.sockets.find(({ family }) => family === isIP(host));
    if (socket) announce(hostCandidate([host, socket.port]), [host, socket.port]);
  }
  return {
    gathered: () => [...found.values()].map(({ gathered }) => gathered),
    answers: () => answers,
    relays: () => [...relays],
    done: Promise.all(targets.filter(({ skip }) => skip === null).map(ask)).then(() => {}),
    close() {
      closing.abort(new Error('the connection is closed'));
      for (const relay of relays) void relay.close();
      relays.clear();
    },
  };
}

const isOwn = (host: string): boolean =>
  host.startsWith('127.') || host === '::1' || ownAddresses().some(({ address }) => address === host);
