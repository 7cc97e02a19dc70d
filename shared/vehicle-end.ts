/**
 * The vehicle's end of its room: one session with each operator who is there, the offer state that
 * says so, the lease, and what the vehicle tells everyone. What moves and what films is the caller's.
 */

import { createAdmission } from './admission.ts';
import type { Incoming } from './bus.ts';
import {
  type ChannelEvent,
  type ChannelName,
  type Command,
  MAX_LATE_MS,
  parseCommand,
  parseEvent,
  STATE_HZ,
} from './channels.ts';
import { createLateness } from './freshness.ts';
import { type LeaseState, noLease, releaseLease, requestLease } from './lease.ts';
import { createLinkReports } from './link-reports.ts';
import { isLive, type Link } from './negotiation.ts';
import { asBothKnow } from './path.ts';
import { createRelayLimit } from './relay-limit.ts';
import { createReports, hasComeToSomething, hasFailed } from './reports.ts';
import { createSession, deliver, type Session } from './session.ts';
import { createSignalling } from './signalling.ts';
import { createTopics } from './topics.ts';
import type { VehicleEndOptions } from './vehicle-end-options.ts';
import {
  type Doing,
  type LastCommand,
  offerMessage,
  sessionsOf,
  silentOf,
  stateMessage,
} from './vehicle-reports.ts';
import { verdict } from './verdict.ts';
import type { VssValues } from './vss.ts';

/** Offers without an answer, after which an operator no longer takes up a place. */
const UNANSWERED_TRIES = 2;
/** `link` messages, and retained telemetry: one a second. */
const SLOW_MS = 1_000;

interface Operator {
  session: Session;
  reports: ReturnType<typeof createReports>;
  command: LastCommand | null;
  /** Why the session failed, as it was told. */
  told: string | null;
  /** The next state message that is due without a command. */
  stopStates(): void;
  /** How late what comes from this operator is. */
  lateness: ReturnType<typeof createLateness>;
}

export type VehicleEnd = ReturnType<typeof createVehicleEnd>;

export function createVehicleEnd(options: VehicleEndOptions) {
  const { room, clock, log } = options;
  const operators = new Map<string, Operator>();
  const admission = createAdmission({
    most: options.maxOperators,
    taken: () => [...operators.values()].filter(({ session }) => isAnswering(session.link)).length,
    onTurnedAway: turnAway,
  });
  let lease: LeaseState = noLease(clock.now());
  let seq = 0;
  let made = 0;
  let slowAt = 0;
  const relayLimit = createRelayLimit((kbps) => {
    log.info(
      { room, kbps },
      kbps === null ? 'video is not limited any more' : 'video is limited: relay budget',
    );
    options.onRelayLimit?.(kbps);
  });

  const signalling = createSignalling({
    url: options.url,
    ...(options.root === undefined ? {} : { root: options.root }),
    room,
    self: room,
    role: 'vehicle',
    name: options.name,
    filters: [createTopics(options.root).usage(room)],
    announceAtOnce: true,
    onMessage: receive,
    onConnected() {
      for (const { session } of operators.values()) session.signallingUp();
    },
    onAnnounced(epoch) {
      log.info({ room, epoch }, 'waiting for operators');
    },
    onState(state) {
      options.onState?.(state);
      if (state.state === 'connected') for (const { reports } of operators.values()) reports.say();
    },
    onReplaced() {
      endAll('replaced', 'another agent has taken over this vehicle');
      options.onReplaced();
    },
    clock,
    log,
  });
  const { topics } = signalling;
  const links = createLinkReports(
    (peer, body) => signalling.publish('link', topics.link(room, peer), body, { qos: 0 }),
    clock,
  );
  publishOffer();
  publishLease();
  const stopLinks = clock.every(SLOW_MS, () => {
    admitWaiting();
    void publishLinks();
  });

  function receive(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'presence':
        return presence(incoming.topic.peer, incoming.message);
      case 'usage':
        return relayLimit.usage(incoming.message);
      case 'sdp':
      case 'ice':
      case 'bye': {
        const { from } = incoming.topic;
        const session = operators.get(from)?.session;
        if (!session) return unknownSession(from, incoming);
        return deliver(session, incoming, signalling.drop);
      }
      case 'report': {
        const reports = operators.get(incoming.topic.from)?.reports;
        if (reports) return reports.theirs(incoming.message);
        return signalling.drop('report', 'from a peer without a session');
      }
    }
  }

  /** Whoever believes in a session that is gone is told so, and need not find out by silence. */
  function unknownSession(
    from: string,
    { kind, message }: Extract<Incoming, { kind: 'sdp' | 'ice' | 'bye' }>,
  ): void {
    signalling.drop(kind, 'from a peer without a session');
    if (kind === 'bye' || !message?.session) return;
    const body = {
      session: message.session,
      reason: 'failed',
      detail: 'the vehicle has ended this session',
    } as const;
    signalling.publish('bye', topics.bye(room, room, from), body);
  }

  function presence(peer: string, message: Extract<Incoming, { kind: 'presence' }>['message']): void {
    if (message !== null && message.role !== 'operator') return;
    const known = operators.get(peer);
    if (message === null || message.state !== 'online') {
      admission.leave(peer);
      known?.session.dispatch({ type: 'presence', online: false, epoch: message?.epoch ?? null });
      return;
    }
    if (!known && !admission.ask(peer, message.epoch)) return;
    const operator = known ?? welcome(peer);
    operator.session.dispatch({ type: 'presence', online: true, epoch: message.epoch });
  }

  function turnAway(peer: string): void {
    const detail = `${options.maxOperators} operators are connected already, the most that are let in`;
    signalling.publish('bye', topics.bye(room, room, peer), { reason: 'full', detail });
    log.info({ room, operator: peer }, 'turned an operator away: full');
  }

  function welcome(peer: string): Operator {
    const reports = createReports({
      send: (body) => signalling.publish('report', topics.report(room, room, peer), body),
      onChange: () => explain(peer),
      onDrop: signalling.drop,
      clock,
    });
    const session = createSession({
      role: 'offerer',
      epoch: signalling.epoch,
      made,
      createPeer: options.createPeer(peer),
      send: signalling.sender(peer),
      announce: () => signalling.announce(),
      checkBroker: signalling.check,
      onLink: (link, before) => linkChanged(peer, link, before),
      onMessage: (channel, text) => heard(peer, channel, text),
      onReport: reports.mine,
      onClosing: (id, last) => links.sayLast(peer, id, last),
      onDrop: signalling.drop,
      clock,
    });
    const lateness = createLateness();
    const operator: Operator = {
      session,
      reports,
      command: null,
      told: null,
      stopStates: () => {},
      lateness,
    };
    operators.set(peer, operator);
    return operator;
  }

  function linkChanged(peer: string, link: Link, before: Link): void {
    if (link.phase === before.phase) return;
    const detail = 'detail' in link ? { detail: link.detail } : {};
    log.info({ room, operator: peer, phase: link.phase, ...detail }, `session with ${peer}: ${link.phase}`);
    if (!isLive(link) || link.phase === 'connecting') setLease(releaseLease(lease, peer, clock.now()));
    const operator = operators.get(peer);
    if (operator && link.phase === 'connecting') operator.command = operator.told = null;
    // Another path may be slower, and what comes over it is not late for that.
    if (operator && link.phase === 'restoring') operator.lateness = createLateness();
    if (link.phase === 'connected') sendState(peer);
    if (hasComeToSomething(link)) operator?.reports.say();
    explain(peer);
    if (link.phase === 'waiting' || link.phase === 'ended') forget(peer);
    publishOffer();
  }

  /** When it fails, and again when the other end's last report has come. */
  function explain(peer: string): void {
    const operator = operators.get(peer);
    if (!operator || !hasFailed(operator.session.link)) return;
    const { here, there } = operator.reports.now;
    const why = verdict({ vehicle: here, operator: there, phase: 'failed', reader: 'vehicle' });
    if (why.title === operator.told) return;
    operator.told = why.title;
    options.onFailed?.(peer, why);
  }

  function forget(peer: string): void {
    const operator = operators.get(peer);
    if (!operator) return;
    operators.delete(peer);
    operator.stopStates();
    // Should the same peer come back, its sessions must sort after those it had.
    made = Math.max(made, operator.session.made);
    operator.session.close();
    operator.reports.stop();
    admitWaiting();
  }

  function admitWaiting(): void {
    for (const [peer, epoch] of admission.next()) {
      welcome(peer).session.dispatch({ type: 'presence', online: true, epoch });
    }
  }

  // What operators say on the data channels

  function heard(peer: string, channel: ChannelName, text: string): void {
    const parsed = channel === 'control' ? parseCommand(text) : parseEvent(text);
    if (!parsed.ok) return signalling.drop(channel, parsed.reason);
    if ('type' in parsed.value) event(peer, parsed.value);
    else command(peer, parsed.value);
  }

  function command(peer: string, command: Command): void {
    const operator = operators.get(peer);
    if (!operator) return;
    if (operator.command && command.seq <= operator.command.seq)
      return signalling.drop('control', 'an old command');
    const now = clock.now();
    const late = operator.lateness(command.t, now);
    operator.command = { seq: command.seq, t: command.t, at: now };
    if (late > MAX_LATE_MS) signalling.drop('control', 'a late command');
    else if (lease.holder !== peer || lease.number !== command.lease) signalling.drop('control', 'no lease');
    else options.onCommand(command);
    sendState(peer);
  }

  function event(peer: string, event: ChannelEvent): void {
    const operator = operators.get(peer);
    if (!operator) return;
    const ts = clock.now();
    switch (event.type) {
      case 'clock':
        operator.lateness(event.t, ts);
        return tell(peer, { type: 'clock', ts, t: ts, echo: event.t });
      case 'request': {
        const answer = requestLease(lease, peer, ts);
        if (!answer.granted) return tell(peer, { type: 'deny', ts, reason: answer.reason });
        setLease(answer.lease);
        return tell(peer, { type: 'grant', ts, lease: answer.lease.number });
      }
      case 'release':
        return setLease(releaseLease(lease, peer, ts));
    }
  }

  function tell(peer: string, event: ChannelEvent): void {
    operators.get(peer)?.session.send('events', JSON.stringify(event));
  }

  function setLease(next: LeaseState): void {
    if (next === lease) return;
    lease = next;
    log.info({ room, holder: lease.holder }, lease.holder ? `${lease.holder} drives` : 'nobody drives');
    options.onLease(lease.holder);
    publishLease();
  }

  // What the vehicle says

  /** For each command and, while none come, {@link STATE_HZ} times a second: on a narrow path each takes its part. */
  function sendState(peer: string): void {
    const operator = operators.get(peer);
    if (!operator) return;
    operator.stopStates();
    operator.stopStates = clock.after(1000 / STATE_HZ, () => sendState(peer));
    const state = stateMessage(seq++, operator.command, options.doing(), clock.now());
    operator.session.send('control', JSON.stringify(state));
  }

  function publishOffer(): void {
    const links = [...operators].map(([peer, { session }]): [string, Link] => [peer, session.link]);
    const all = sessionsOf(links);
    signalling.retain('offer', topics.offer(room), () => offerMessage(room, signalling.epoch, all));
    options.onSessions(all, silentOf(links));
  }

  function publishLease(): void {
    const { holder, since } = lease;
    signalling.retain('lease', topics.lease(room), () => ({ holder, since }));
  }

  async function publishLinks(): Promise<void> {
    let relayed = false;
    for (const [peer, { session, reports }] of [...operators]) {
      const { link } = session;
      const seen = link.phase === 'connected' ? await session.stats() : null;
      const stats = seen && asBothKnow(seen, reports.now.here, reports.now.there);
      if (stats && link.phase === 'connected' && session.link === link) links.say(peer, link.session, stats);
      relayed ||= stats?.path === 'relay';
    }
    relayLimit.path(relayed);
  }

  function endAll(reason: 'left' | 'replaced', detail?: string): void {
    stopLinks();
    for (const { session, stopStates } of [...operators.values()]) {
      stopStates();
      session.close(reason, detail);
    }
    operators.clear();
  }

  return {
    dropped: signalling.dropped,
    /** Publishes what the vehicle measures; once a second retained, so that late comers see the last. */
    telemetry(values: VssValues): void {
      if (signalling.state.state !== 'connected') return;
      const now = clock.now();
      const retain = now - slowAt >= SLOW_MS;
      if (retain) slowAt = now;
      signalling.publish('telemetry', topics.telemetry(room), { values }, { qos: 0, retain });
    },
    safety(state: Doing['safety'], reason?: string): void {
      const since = clock.now();
      signalling.retain('safety', topics.safety(room), () => ({
        state,
        since,
        ...(reason ? { reason } : {}),
      }));
    },
    /** This machine's network has changed, and what was there may be gone. */
    networkChanged(): void {
      signalling.renew();
      for (const { session } of operators.values()) session.moved();
    },
    /** Says goodbye to everyone and leaves. */
    async close(): Promise<void> {
      endAll('left');
      await links.settled();
      await signalling.close();
    },
  };
}

/** Places are for those who answer: a presence that nobody stands behind must not keep others out. */
const isAnswering = (link: Link) => isLive(link) && (link.answered || link.tries < UNANSWERED_TRIES);
