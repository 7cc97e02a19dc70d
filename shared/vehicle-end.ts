/**
 * The vehicle's end of its room: one session with each operator who is there, the offer state that
 * says so, the lease, and what the vehicle tells everyone. What moves and what films is the caller's.
 */

import { createAdmission, UNUSED_MS } from './admission.ts';
import type { Incoming } from './bus.ts';
import {
  type ChannelName,
  type Command,
  type Limits,
  type OperatorEvent,
  parseCommand,
  parseOperatorEvent,
  STATE_HZ,
  type VehicleEvent,
} from './channels.ts';
import { createLinkReports } from './link-reports.ts';
import { isLive, type Link, sessionOf } from './negotiation.ts';
import { type Charge, createOperatorBudget } from './operator-budget.ts';
import { createOperatorCheck } from './operator-check.ts';
import { CONNECTIONS, createPersonBudget, FAILURES, FLOODED } from './person-budget.ts';
import { createRelayLimit } from './relay-limit.ts';
import { createReports, hasComeToSomething, hasFailed } from './reports.ts';
import { roleOfId } from './roles.ts';
import { STANDING } from './safety.ts';
import { createSession, deliver } from './session.ts';
import { createSignalling } from './signalling.ts';
import { createSigner } from './signature.ts';
import { delayOf } from './speed-limit.ts';
import { createTopics } from './topics.ts';
import type { VehicleEndOptions } from './vehicle-end-options.ts';
import { keepLease } from './vehicle-lease.ts';
import { forgetSession, isOwn, judge, newOperator, type Operator, stopTimers } from './vehicle-operator.ts';
import { type Doing, offerMessage, sessionsOf, silentOf, stateMessage } from './vehicle-reports.ts';
import { verdict } from './verdict.ts';
import type { VssValues } from './vss.ts';

const TOO_MUCH = 'it goes on saying more than an operator may';
/** `link` messages, and retained telemetry: one a second. */
const SLOW_MS = 1_000;

export type VehicleEnd = ReturnType<typeof createVehicleEnd>;

export function createVehicleEnd(options: VehicleEndOptions) {
  const { room, clock, log } = options;
  const operators = new Map<string, Operator>();
  const admission = createAdmission({
    most: options.maxOperators,
    visitors: operators,
    stays,
    onTurnedAway: turnAway,
  });
  let driver: string | null = null;
  const lease = keepLease({
    standing: () => Math.abs(options.doing().speed) <= STANDING,
    tell,
    onLease(holder, number, asked) {
      options.record?.({ kind: 'lease', holder, number, asked });
      if (holder !== driver) log.info({ room, holder }, holder ? `${holder} drives` : 'nobody drives');
      driver = holder;
      options.onLease(holder, asked);
    },
    onChange: publishLease,
    clock,
  });
  const sign =
    options.secretKey === undefined ? null : createSigner(room, room, options.secretKey, options.ed25519);
  const fleetKey = options.fleetKey ?? (() => null);
  const failures = createPersonBudget(FAILURES, clock.now);
  const connections = createPersonBudget(CONNECTIONS, clock.now);
  let limits: Limits | null = null;
  let seq = 0;
  let made = 0;
  let slowAt = 0;
  const relayLimit = createRelayLimit((kbps) => {
    const limited = kbps === null ? 'video is not limited any more' : 'video is limited: relay budget';
    log.info({ room, kbps }, limited);
    options.onRelayLimit?.(kbps);
  });

  const signalling = createSignalling({
    url: options.url,
    ...(options.root === undefined ? {} : { root: options.root }),
    credentials: options.credentials,
    tls: options.tls,
    room,
    self: room,
    role: 'vehicle',
    name: options.name,
    details: () => ({ prepares: true }),
    filters: [createTopics(options.root).usage(room), createTopics(options.root).estop(room)],
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
  const links = createLinkReports((peer, body) => {
    options.record?.({ kind: 'link', operator: peer, link: body });
    signalling.publish('link', topics.link(room, peer), body, { qos: 0 });
  }, clock);
  publishOffer();
  publishLease();
  const stopLinks = clock.every(SLOW_MS, () => {
    admitWaiting();
    void links.sayAll(operators).then(relayLimit.path);
  });

  function receive(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'presence':
        return presence(incoming.topic.peer, incoming.message);
      case 'usage':
        return relayLimit.usage(incoming.message);
      case 'estop':
        return options.onEstop(
          incoming.message?.from ?? 'somebody over MQTT',
          incoming.message?.reason ?? (incoming.text || null),
        );
      case 'sdp':
      case 'ice':
      case 'bye': {
        const { from } = incoming.topic;
        const operator = operators.get(from);
        if (!operator) return unknownSession(from, incoming);
        if (
          incoming.kind === 'sdp' &&
          incoming.message &&
          !isOwn(operator, incoming.message, signalling.drop, clock)
        )
          return;
        return deliver(operator.session, incoming, signalling.drop);
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
    const detail = 'the vehicle has ended this session';
    signalling.to(from).bye({ session: message.session, reason: 'failed', detail });
  }

  function presence(peer: string, message: Extract<Incoming, { kind: 'presence' }>['message']): void {
    if (peer === room || (message !== null && message.role !== 'operator')) return;
    const known = operators.get(peer);
    if (message === null || message.state !== 'online') {
      admission.leave(peer);
      known?.session.dispatch({ type: 'presence', online: false, epoch: message?.epoch ?? null });
      return;
    }
    const { epoch, preparing = false } = message;
    const supervises = message.supervises === true && (!options.guarded || roleOfId(peer) === 'supervisor');
    const arrival = { peer, epoch, supervises: supervises && isSupervisor(peer) };
    // One for whom there is a place as a supervisor only, which its pass will say, has a session made ahead until then.
    const unknown = supervises && !arrival.supervises && known?.session.link.phase !== 'connected';
    const shows = unknown && !preparing && !known?.entered && admission.whyNot(arrival) !== null;
    // One who finds no place to prepare in has a session made when it enters.
    const ahead = preparing || shows;
    if (!known && !(ahead && admission.mayPrepare(peer)) && (preparing || !admission.ask(arrival))) return;
    const operator = known ?? welcome(peer, epoch);
    Object.assign(operator, { epoch, supervises, shows });
    if (!ahead && !letIn(peer, operator)) return;
    operator.session.dispatch({ type: 'presence', online: true, epoch });
  }

  /** As far as it is verified: by ids where the broker looks at those, else by the pass. */
  function isSupervisor(peer: string): boolean {
    return options.guarded || (operators.get(peer)?.check.maySupervise() ?? fleetKey() === null);
  }

  /** Drives, asks for the wheel, or supervises: nobody to be put out. */
  function stays(peer: string): boolean {
    const { holder, next, asking } = lease.message;
    if ([holder, next, asking].includes(peer)) return true;
    return operators.get(peer)?.supervises === true && isSupervisor(peer);
  }

  function turnAway(peer: string, detail: string): void {
    const prepared = operators.get(peer)?.session;
    if (prepared) prepared.close('full', detail);
    else signalling.to(peer).bye({ reason: 'full', detail });
    log.info({ room, operator: peer, reason: detail }, 'turned an operator away: full');
  }

  function letIn(peer: string, operator: Operator): boolean {
    if (operator.entered) return true;
    const { epoch, supervises } = operator;
    const arrival = { peer, epoch, supervises: supervises && isSupervisor(peer) };
    if (!admission.ask(arrival)) return false;
    operator.entered = true;
    admission.makeRoom(arrival);
    operator.stopWaiting();
    operator.enter();
    operator.budget.enter();
    if (operator.session.link.phase === 'connected') sendState(peer);
    publishOffer();
    return true;
  }

  function welcome(peer: string, epoch: number): Operator {
    const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
    const say = signalling.to(peer);
    const sdp = (body: Parameters<typeof say.sdp>[0]) => {
      if (sign === null) return say.sdp(body);
      // What can't be sent now is signed when it is sent again.
      if (signalling.state.state === 'connected') say.sdp(sign(peer, body));
    };
    const budget = createOperatorBudget(clock.now);
    const reports = createReports({
      send: say.report,
      onChange: () => explain(peer),
      onDrop: signalling.drop,
      clock,
    });
    const session = createSession({
      role: 'offerer',
      epoch: signalling.epoch,
      made,
      createPeer(handlers) {
        if (connections.isSpent(peer)) throw new Error('connections are made too often');
        connections.charge(peer);
        return options.createPeer(peer, entered)(handlers);
      },
      send: { ...say, sdp },
      announce: () => signalling.announce(),
      checkBroker: signalling.check,
      onLink: (link, before) => linkChanged(peer, link, before),
      admits: (channel) => affords(peer, channel, budget.channel(channel)),
      onMessage: (channel, text) => heard(peer, channel, text),
      onReport: reports.mine,
      onClosing: (id, last) => links.sayLast(peer, id, last),
      onDrop: signalling.drop,
      clock,
    });
    const stopWaiting = clock.after(UNUSED_MS, () => {
      session.close('left', 'nobody has entered the session that was made ahead');
    });
    const check = createOperatorCheck({
      room,
      peer,
      fleetKey,
      failures,
      ed25519: options.ed25519,
      now: clock.now,
    });
    const operator = newOperator({ session, reports, epoch, enter, stopWaiting, check, budget });
    operators.set(peer, operator);
    return operator;
  }

  function linkChanged(peer: string, link: Link, before: Link): void {
    const operator = operators.get(peer);
    operator?.reports.follow(link);
    if (link.phase === before.phase && sessionOf(link) === sessionOf(before)) return;
    const detail = 'detail' in link ? { detail: link.detail } : {};
    log.info({ room, operator: peer, phase: link.phase, ...detail }, `session with ${peer}: ${link.phase}`);
    options.record?.({ kind: 'session', operator: peer, phase: link.phase, detail: detail.detail ?? null });
    if (!isLive(link) || link.phase === 'connecting') lease.lost(peer);
    if (operator && link.phase === 'connecting') forgetSession(operator);
    if (link.phase === 'connected') {
      if (operator?.shows) letIn(peer, operator);
      sendState(peer);
      // Asking again would cost whoever drove another round trip.
      if (before.phase === 'connecting' && operator?.entered) lease.back(peer);
      if (limits) tell(peer, { type: 'limits', ts: clock.now(), ...limits });
    }
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
    stopTimers(operator);
    // Should the same peer come back, its sessions must sort after those it had.
    made = Math.max(made, operator.session.made);
    operator.session.close();
    operator.reports.stop();
    admitWaiting();
  }

  function admitWaiting(): void {
    for (const { peer, epoch, supervises } of admission.next()) {
      const operator = welcome(peer, epoch);
      operator.supervises = supervises;
      letIn(peer, operator);
      operator.session.dispatch({ type: 'presence', online: true, epoch });
    }
  }

  // What operators say on the data channels

  function affords(peer: string, what: ChannelName, charge: Charge): boolean {
    if (charge === 'fine') return true;
    signalling.drop(what, 'more than an operator may say');
    if (charge === 'out') {
      connections.charge(peer, FLOODED);
      operators.get(peer)?.session.close('refused', TOO_MUCH);
    }
    return false;
  }

  function heard(peer: string, channel: ChannelName, text: string): void {
    const parsed = channel === 'control' ? parseCommand(text) : parseOperatorEvent(text);
    if (!parsed.ok) return signalling.drop(channel, parsed.reason);
    if ('type' in parsed.value) event(peer, parsed.value);
    else command(peer, parsed.value);
  }

  function command(peer: string, command: Command): void {
    const operator = operators.get(peer);
    if (!operator) return;
    const judged = judge(operator, command, (number) => lease.admits(peer, number), clock.now());
    options.record?.({ kind: 'command', operator: peer, command, ...judged });
    if (judged.dropped !== null) signalling.drop('control', judged.dropped);
    else options.onCommand(command, delayOf(judged.age, command.video));
    sendState(peer);
  }

  function event(peer: string, event: OperatorEvent): void {
    const operator = operators.get(peer);
    if (!operator) return;
    options.record?.({ kind: 'event', operator: peer, direction: 'received', event });
    const ts = clock.now();
    switch (event.type) {
      case 'clock':
        if (!affords(peer, 'events', operator.budget.clock())) return;
        if (event.echo !== undefined) operator.freshness.clock(event.t, event.echo, event.held ?? 0, ts);
        return tell(peer, { type: 'clock', ts, t: ts, echo: event.t });
      case 'enter':
        return void letIn(peer, operator);
      case 'request': {
        const { how = 'plain' } = event;
        if (!operator.entered) return tell(peer, { type: 'deny', ts, reason: 'Enter the vehicle first.' });
        if (how === 'takeover' && !(operator.supervises && operator.check.maySupervise()))
          return tell(peer, { type: 'deny', ts, reason: 'only a supervisor may take the wheel from others' });
        return lease.request(peer, how);
      }
      case 'handover':
        return event.peer === null ? undefined : lease.handover(peer, event.peer);
      case 'decline':
        return lease.decline(peer, event.peer);
      case 'release':
        return lease.release(peer);
      case 'estop':
        return options.onEstop(peer, event.reason ?? null);
      case 'reset':
        return operator.entered ? options.onReset(peer) : undefined;
    }
  }

  // What the vehicle says

  function tell(peer: string, event: VehicleEvent): void {
    if (!operators.get(peer)?.session.send('events', JSON.stringify(event))) return;
    options.record?.({ kind: 'event', operator: peer, direction: 'sent', event });
  }

  /** For each command and, while none come, {@link STATE_HZ} times a second: on a narrow path each takes its part. */
  function sendState(peer: string): void {
    const operator = operators.get(peer);
    if (!operator) return;
    operator.stopStates();
    // One who has not entered has nothing to look at.
    if (operator.entered) operator.stopStates = clock.after(1000 / STATE_HZ, () => sendState(peer));
    const state = stateMessage(seq++, operator.command, options.doing(), clock.now());
    operator.session.send('control', JSON.stringify(state));
  }

  function publishOffer(): void {
    const all = sessionsOf(operators);
    signalling.retain('offer', topics.offer(room), () => offerMessage(room, signalling.epoch, all));
    const entered = all.filter(({ prepared }) => !prepared);
    options.onSessions(entered, silentOf(operators));
  }

  function publishLease(): void {
    signalling.retain('lease', topics.lease(room), () => lease.message);
  }

  function endAll(reason: 'left' | 'replaced', detail?: string): void {
    stopLinks();
    lease.close();
    for (const operator of [...operators.values()]) {
      stopTimers(operator);
      operator.session.close(reason, detail);
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
    safety(state: Doing['safety'], reason: string | null): void {
      const since = clock.now();
      const body = { state, since, ...(reason ? { reason } : {}) };
      signalling.retain('safety', topics.safety(room), () => body);
    },
    /** The vehicle has stopped by itself: whoever drives needs the new number, and nothing sent before counts. */
    renewLease: () => lease.renew(),
    /** How fast the vehicle lets itself be driven, for everyone who looks. */
    limits(next: Limits): void {
      limits = next;
      for (const peer of operators.keys()) tell(peer, { type: 'limits', ts: clock.now(), ...next });
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
