/**
 * How a werift connection finds its addresses: as a browser does, from every server of the list, over UDP,
 * TCP and TLS, all at the same time, and each address is announced as soon as it is there. What each server
 * answered is kept for the report.
 *
 * werift itself takes one STUN and one TURN server of a list, asks Google's when there is none, and
 * swallows what goes wrong.
 */
import type * as werift from 'werift';
import type { ServerAnswer } from '../../shared/report.ts';
import type { IceServer } from '../../shared/server-api.ts';
import { advertise, announce, openHosts } from './hosts.ts';
import { type Target, targetsOf } from './ice-targets.ts';
import { insidesOf } from './insides.ts';
import { createNovelty, findReflexives } from './reflexives.ts';
import { createRelays } from './relays.ts';
import { resolve } from './resolve.ts';
import { answerOf } from './server-errors.ts';

/** Longest time for one server, ms: its name, a connection with TLS, and the answers. Then gathering is over. */
const SERVER_LIMIT_MS = 5_000;
/** How long what a restart has replaced is kept open for what is on its way, ms. */
const LEAVE_MS = 10_000;

export interface Gathering {
  /** What each server has answered so far, in the order of the list. */
  answers(): ServerAnswer[];
  close(): void;
}

export interface GatheringOptions {
  /** Asked for every time, as credentials expire. */
  iceServers(): IceServer[];
  /** There are new addresses or answers. */
  onChange(): void;
  /** There is another socket or relay, whose pairs want to be checked. */
  onProtocol(): void;
}

/** Takes over from werift's own `gatherCandidates`. */
export function createGathering(connection: werift.Connection, options: GatheringOptions): Gathering {
  const insides = insidesOf(connection);
  const closing = new AbortController();
  let answers: ServerAnswer[] = [];
  let running = Promise.resolve();
  /** No longer part of the connection, and closed after a while. */
  const left = new Map<werift.Protocol, NodeJS.Timeout>();
  const relays = createRelays({
    opened: (relay) => insides.ensureProtocol(relay),
    replaced: leave,
    lost(relay, error) {
      insides.protocols = insides.protocols.filter((protocol) => protocol !== relay);
      answered(relay.allocation.target, answerOf(error));
    },
  });

  // So that the first session does not wait for the name server.
  for (const { host, skip } of targetsOf(options.iceServers())) if (!skip) resolve(host).catch(() => {});
  connection.gatherCandidates = async () => {
    if (!insides.localCandidatesStart && !closing.signal.aborted) running = gather();
    // werift announces the end of candidates then; at the end of an attempt before, that would be too early.
    let waited: Promise<void>;
    do {
      waited = running;
      await waited;
    } while (waited !== running);
  };

  function answered(target: Target, answer: Omit<ServerAnswer, 'url'>): void {
    answers = answers.map((old) => (old.url === target.url ? { url: old.url, ...answer } : old));
    options.onChange();
  }

  function leave(protocol: werift.Protocol): void {
    if (closing.signal.aborted) return void protocol.close();
    const close = () => left.delete(protocol) && void protocol.close();
    left.set(protocol, setTimeout(close, LEAVE_MS).unref());
  }

  async function gather(): Promise<void> {
    insides.localCandidatesStart = true;
    const { generation } = connection;
    const isCurrent = () => connection.generation === generation && !closing.signal.aborted;
    const targets = targetsOf(options.iceServers());
    answers = targets.map(({ url, skip: detail }) =>
      detail === null ? { url, answer: 'waiting' } : { url, answer: 'skipped', detail },
    );
    relays.keepOnly(targets.map(({ url }) => url));
    const opening = openHosts(connection, leave);
    options.onChange();

    const askAll = targets
      .filter(({ skip }) => skip === null)
      .map(async (target) => {
        const startedAt = performance.now();
        const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(SERVER_LIMIT_MS)]);
        // A TURN server over UDP answers to STUN as well, and browsers ask it.
        const asked = [
          target.kind === 'turn' ? relayed(target, signal) : null,
          target.transport === 'udp' ? reflexive(target, signal) : null,
        ].filter((each) => each !== null);
        // Each is looked at below; what fails before is no surprise.
        for (const each of asked) each.catch(() => {});
        const answer = await (asked[0] ?? Promise.resolve()).then(
          () => ({ answer: 'ok', ms: Math.round(performance.now() - startedAt) }) as const,
          (error) => answerOf(error, Math.round(performance.now() - startedAt)),
        );
        if (isCurrent()) answered(target, answer);
        await Promise.allSettled(asked);
      });
    const isNew = opening.then((hosts) => {
      options.onProtocol();
      options.onChange();
      return createNovelty(hosts);
    });
    await Promise.all([isNew, ...askAll]);
    if (isCurrent()) insides.localCandidatesEnd = true;

    async function reflexive(target: Target, signal: AbortSignal): Promise<void> {
      const hosts = await opening;
      const isNews = await isNew;
      await findReflexives(
        target,
        hosts,
        (candidate) => {
          if (!isCurrent() || !isNews(candidate)) return;
          announce(connection, candidate);
          options.onChange();
        },
        signal,
      );
    }

    async function relayed(target: Target, signal: AbortSignal): Promise<void> {
      const relay = await relays.get(target, signal);
      // It may be one from before, and still carry the path in use.
      if (!isCurrent()) return leave(relay);
      relays.hold(relay);
      advertise(connection, relay);
      options.onProtocol();
      options.onChange();
    }
  }

  return {
    answers: () => answers,
    close() {
      closing.abort(new Error('the connection is closed'));
      relays.keepOnly([]);
      for (const [protocol, timer] of left) {
        clearTimeout(timer);
        void protocol.close();
      }
      left.clear();
    },
  };
}
