/**
 * This end's addresses from all servers of the list, over UDP, TCP and TLS, all at the same time: relays, which
 * libjuice does not gather here, and what each server answers, which libjuice does not say.
 */
import type { ServerAnswer } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { type Target, targetsOf } from './ice-targets.ts';
import { allocateAnywhere } from './relays.ts';
import { answerOf } from './server-errors.ts';
import type { Address } from './stun.ts';
import type { StunServers } from './stun-servers.ts';
import type { Allocation } from './turn-allocation.ts';

/** Longest time for one server, ms: its name, a connection with TLS, and the answers. Then gathering is over. */
const SERVER_LIMIT_MS = 5_000;

export interface GatheringEvents {
  /** Another relay can be used. */
  relay(allocation: Allocation): void;
  /** Something has come over one. */
  data(allocation: Allocation, packet: Buffer, peer: Address): void;
  /** A server has answered, or will not any more. */
  answered(): void;
}

export interface Gathering {
  /** What each server has answered so far, in the order of the list. */
  answers(): ServerAnswer[];
  relays(): Allocation[];
  /** All servers have answered, or will not any more. */
  done: Promise<void>;
  close(): void;
}

export function gather(servers: IceServer[], stun: StunServers, events: GatheringEvents): Gathering {
  const closing = new AbortController();
  const targets = targetsOf(servers);
  const relays = new Set<Allocation>();
  let answers = targets.map(({ url, skip: detail }): ServerAnswer => {
    return detail === null ? { url, answer: 'waiting' } : { url, answer: 'skipped', detail };
  });

  function answered(target: Target, answer: Omit<ServerAnswer, 'url'>): void {
    if (closing.signal.aborted) return;
    answers = answers.map((old) => (old.url === target.url ? { url: old.url, ...answer } : old));
    events.answered();
  }

  async function ask(target: Target): Promise<void> {
    const startedAt = performance.now();
    const ms = () => Math.round(performance.now() - startedAt);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(SERVER_LIMIT_MS)]);
    // A TURN server over UDP answers to STUN as well, and libjuice may ask it the next time.
    const seen = target.transport === 'udp' ? stun.ask(target, signal) : Promise.resolve();
    seen.catch(() => {});
    try {
      await (target.kind === 'turn' ? allocated(target, signal) : seen);
      answered(target, { answer: 'ok', ms: ms() });
    } catch (error) {
      answered(target, answerOf(error, ms()));
    }
  }

  async function allocated(target: Target, signal: AbortSignal): Promise<void> {
    let allocation: Allocation | null = null;
    const made = await allocateAnywhere(
      target,
      {
        data: (packet, peer) => allocation && events.data(allocation, packet, peer),
        lost(error) {
          if (allocation && relays.delete(allocation)) answered(target, answerOf(error));
        },
      },
      signal,
    );
    if (closing.signal.aborted) return made.close();
    allocation = made;
    relays.add(made);
    events.relay(made);
  }

  return {
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
