/**
 * The operator's end of a room: joins it, keeps a session with its vehicle, asks for the lease, sends
 * commands, and holds what is known of the room in one view. Pages, tests and tools use it alike.
 */
import type { BusOptions, Incoming } from './bus.ts';
import {
  type ChannelName,
  CLOCK_INTERVAL_MS,
  type Command,
  type OperatorEvent,
  parseVehicleEvent,
  parseVehicleState,
  type VehicleEvent,
  type VehicleState,
} from './channels.ts';
import type { Clock } from './clock.ts';
import { createClockSync } from './clock-sync.ts';
import type { Body, Link as LinkMessage, Presence, Sdp } from './messages.ts';
import { isLive, type Link, sessionOf } from './negotiation.ts';
import { keepClaim } from './operator-claim.ts';
import type { CreatePeer } from './peer.ts';
import { createReports, hasComeToSomething } from './reports.ts';
import { NOTHING_KNOWN, type RoomView } from './room-view.ts';
import { createSession, deliver } from './session.ts';
import { createSignalling, type SignallingOptions } from './signalling.ts';
import { createSigner } from './signature.ts';
import { createTopics } from './topics.ts';
import { type KeyStore, recognise } from './vehicle-trust.ts';

/** A vehicle whose presence has not come so long after the subscription is not there, ms. */
const PRESENCE_MS = 2_000;

export interface Watch {
  came(incoming: Incoming): void;
  sent: NonNullable<SignallingOptions['onSent']>;
  dropped: NonNullable<SignallingOptions['onDrop']>;
}

export interface OperatorEndOptions extends Pick<BusOptions, 'url' | 'root' | 'openSocket' | 'credentials'> {
  room: string;
  self: string;
  name?: string | undefined;
  createPeer: CreatePeer;
  /**
   * entered: seen by all, with video. preparing: have the vehicle make a session, so that it is there by
   * the time of `enter`; for vehicles whose presence says `prepares`. unseen: be connected to the broker.
   */
  arrival: 'entered' | 'preparing' | 'unseen';
  /** The keys by which the vehicle is recognised; without, whoever speaks in its name is taken for it. */
  keys?: KeyStore;
  /** This operator's own secret key, and the fleet's word for it: null while there is none, and nothing is signed. */
  identity?: { secretKey: string; pass(): string | null | Promise<string | null> };
  onView(view: RoomView, before: RoomView): void;
  /** At 20 Hz and for each command. @param rttMs of the command that it answers; null if it answers none */
  onState(state: VehicleState, rttMs: number | null): void;
  /** Sees every message as it comes and goes, for a record. */
  watch?: Watch;
  clock: Clock;
  log?: { warn(fields: object, message: string): void };
}

/** What hands want, and how old the picture was that they saw, ms. */
export type Wanted = Pick<Command, 'steer' | 'throttle' | 'brake' | 'gear' | 'video'>;

export type OperatorEnd = ReturnType<typeof createOperatorEnd>;

/** What a session that is over leaves nothing of. */
const GONE = { path: null, clock: null, limits: null, claim: { state: 'none' }, askedBy: null } as const;

export function createOperatorEnd(options: OperatorEndOptions) {
  const { room, self, clock } = options;
  const topics = createTopics(options.root);
  let view: RoomView = NOTHING_KNOWN;
  /** As the broker has them, believed or not. */
  const retained: Pick<RoomView, 'offer' | 'lease' | 'safety'> = { offer: null, lease: null, safety: null };
  let sync = createClockSync();
  /** The vehicle's time as it was last heard, and when that was on this clock. */
  let heardTime: { t: number; at: number } | null = null;
  /** The vehicle has been told in this session what it said. */
  let answeredTime = false;
  let seq = 0;
  let echoed = Number.NEGATIVE_INFINITY;
  /** `seq` of the newest vehicle state: `control` keeps no order. */
  let stateSeq = -1;
  /** Says of itself that it may take the wheel from others. */
  let supervises = false;
  let stopExpecting = () => {};
  /** The vehicle's presence has come over this connection to the broker; it may be there before word of that is. */
  let toldOfVehicle = false;
  let { arrival } = options;

  const signalling = createSignalling({
    url: options.url,
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.openSocket ? { openSocket: options.openSocket } : {}),
    credentials: options.credentials,
    room,
    self,
    role: 'operator',
    name: options.name,
    filters: [...topics.filters.ofVehicle(room), topics.link(room, self)],
    details: () => ({
      ...(arrival === 'preparing' ? { preparing: true } : {}),
      ...(supervises ? { supervises } : {}),
    }),
    announceAtOnce: arrival !== 'unseen',
    onMessage(incoming) {
      options.watch?.came(incoming);
      receive(incoming);
    },
    ...(options.watch ? { onSent: options.watch.sent, onDrop: options.watch.dropped } : {}),
    onConnected: () => session.signallingUp(),
    onAnnounced: () => {},
    // Who is there now is told anew with every connection.
    onState(broker) {
      if (broker.state !== 'connected') toldOfVehicle = false;
      expectVehicle(broker.state === 'connected' && !toldOfVehicle);
      update(broker.state === 'connected' ? { broker, operators: {} } : { broker });
      // Nothing will be restored without it.
      if (broker.state === 'refused' && view.link.phase === 'restoring') update(GONE);
      if (broker.state === 'connected') reports.say();
    },
    onReplaced: () => session.close('replaced', 'this operator is connected from somewhere else'),
    clock,
    ...(options.log ? { log: options.log } : {}),
  });

  const toVehicle = signalling.to(room);
  let sign: ReturnType<typeof createSigner> | null = null;
  const reports = createReports({
    send: toVehicle.report,
    onChange: (now) => update({ reports: now }),
    onDrop: signalling.drop,
    clock,
  });
  const session = createSession({
    role: 'answerer',
    epoch: signalling.epoch,
    createPeer: options.createPeer,
    send: { ...toVehicle, sdp: describe },
    announce: () => arrival === 'entered' && signalling.announce(),
    checkBroker: signalling.check,
    onLink: linkChanged,
    onMessage: heard,
    onReport: reports.mine,
    onDrop: signalling.drop,
    clock,
  });
  const claim = keepClaim({
    view: () => view,
    update,
    say,
    drop: (why) => signalling.drop('events', why),
    clock,
  });
  const stopClock = clock.every(CLOCK_INTERVAL_MS, askTime);

  /** What a broker keeps of the vehicle comes with the subscription; a broker that was started anew may keep nothing. */
  function expectVehicle(now: boolean): void {
    stopExpecting();
    if (now) stopExpecting = clock.after(PRESENCE_MS, () => presence(room, null));
  }

  function update(change: Partial<RoomView>): void {
    const before = view;
    view = { ...view, ...change };
    const online = view.vehicle?.state === 'online';
    view.offer = online && retained.offer?.epoch === view.vehicle?.epoch ? retained.offer : null;
    view.lease = online ? retained.lease : null;
    view.safety = online ? retained.safety : null;
    options.onView(view, before);
  }

  function receive(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'presence':
        return presence(incoming.topic.peer, incoming.message);
      case 'offer':
        retained.offer = incoming.message;
        update({});
        return missSession();
      case 'lease':
        retained.lease = incoming.message;
        if (incoming.message?.holder === null) claim.free();
        return update({});
      case 'safety':
        retained.safety = incoming.message;
        return update({});
      case 'telemetry':
        return update({ telemetry: incoming.message });
      case 'usage':
        return update({ usage: incoming.message });
      case 'link':
        return path(incoming.message);
      case 'sdp':
      case 'ice':
      case 'bye':
        if (incoming.topic.from !== room) return signalling.drop(incoming.kind, 'not from the vehicle');
        if (incoming.kind === 'sdp' && incoming.message && !isVehicles(incoming.message)) return;
        return deliver(session, incoming, signalling.drop);
      case 'report':
        if (incoming.topic.from === room) return reports.theirs(incoming.message);
        return signalling.drop(incoming.kind, 'not from the vehicle');
    }
  }

  /** Whether a description is the vehicle's own; what is not never gets to the session. */
  function isVehicles(message: Sdp): boolean {
    if (!options.keys) return true;
    const live = isLive(view.link);
    const [identity, dropped] = recognise(message, { room, to: self }, options.keys, view.identity, live);
    update({ identity });
    if (dropped !== null) signalling.drop('sdp', dropped);
    return dropped === null;
  }

  function describe(body: Body<'sdp'>): void {
    const pass = options.identity?.pass() ?? null;
    if (pass instanceof Promise) void pass.then((known) => describeWith(known, body));
    else describeWith(pass, body);
  }

  function describeWith(pass: string | null, body: Body<'sdp'>): void {
    if (!options.identity || pass === null) return toVehicle.sdp(body);
    sign ??= createSigner(room, self, options.identity.secretKey);
    toVehicle.sdp({ ...sign(room, body), pass });
  }

  /** The vehicle's offer state says what it knows; a session that it doesn't know is looked after at once. */
  function missSession(): void {
    const { link, offer } = view;
    if (link.phase !== 'connected' || !offer) return;
    // While another one takes over, the two ends may name different ones.
    if (offer.sessions.some((one) => one.peer === self)) return;
    const detail = 'the vehicle does not know this session';
    session.dispatch({ type: 'transport', session: link.session, state: 'silent', detail });
  }

  /** A session that has ended has a last word, which may come when the next has begun. */
  function path(message: LinkMessage | null): void {
    const session = 'session' in view.link ? view.link.session : null;
    if (message?.session !== undefined && message.session !== session) return;
    update({ path: message });
  }

  function presence(peer: string, message: Presence | null): void {
    if (peer !== room) return operatorPresence(peer, message);
    if (message !== null && message.role !== 'vehicle')
      return signalling.drop('presence', 'a vehicle that says operator');
    stopExpecting();
    toldOfVehicle = true;
    const online = message?.state === 'online';
    // What was said in the name of a vehicle that is not there explains nothing any more.
    update({ vehicle: message, ...(online ? {} : { identity: { ...view.identity, refused: null } }) });
    if (online) session.dispatch({ type: 'presence', online: true, epoch: message.epoch });
    else session.dispatch({ type: 'presence', online: false, epoch: message?.epoch ?? null });
  }

  function operatorPresence(peer: string, message: Presence | null): void {
    const { [peer]: _, ...others } = view.operators;
    const online = message?.state === 'online' && message.role === 'operator' && !message.preparing;
    update({ operators: online ? { ...others, [peer]: message } : others });
  }

  function linkChanged(link: Link, before: Link): void {
    if (link.phase === 'connecting') {
      sync = createClockSync();
      heardTime = null;
      answeredTime = false;
      seq = 0;
      echoed = Number.NEGATIVE_INFINITY;
      stateSeq = -1;
    }
    const open =
      link.phase === 'connected' || (link.phase === 'restoring' && view.broker.state !== 'refused');
    const replaced =
      before.phase === 'restoring' || (before.phase === 'connected' && link.phase === 'connecting');
    if (!open && replaced) claim.lost();
    update(open ? { link } : { link, ...GONE });
    reports.follow(link);
    const another = sessionOf(link) !== sessionOf(before);
    if (link.phase === before.phase && !another) return;
    if (link.phase === 'connected') {
      askTime();
      if (another && before.phase !== 'connecting') claim.again();
      else claim.open();
    }
    if (hasComeToSomething(link)) reports.say();
  }

  function heard(channel: ChannelName, text: string): void {
    const now = clock.now();
    if (channel === 'events') {
      const parsed = parseVehicleEvent(text);
      return parsed.ok ? event(parsed.value, now) : signalling.drop(channel, parsed.reason);
    }
    const parsed = parseVehicleState(text);
    if (!parsed.ok) return signalling.drop(channel, parsed.reason);
    const { echo, age } = parsed.value;
    if (parsed.value.seq <= stateSeq) return;
    stateSeq = parsed.value.seq;
    const answers = echo !== null && echo > echoed;
    if (answers) echoed = echo;
    options.onState(parsed.value, answers ? now - echo - age : null);
  }

  function event(event: VehicleEvent, now: number): void {
    switch (event.type) {
      case 'clock':
        if (event.echo === undefined) return;
        heardTime = { t: event.t, at: now };
        update({ clock: sync(event.echo, event.t, now) });
        // The vehicle takes no command before it knows this clock.
        if (!answeredTime) askTime();
        answeredTime = true;
        return;
      case 'grant':
      case 'deny':
      case 'wait':
      case 'revoke':
      case 'handover':
        return claim.heard(event);
      case 'limits':
        return update({ limits: event });
    }
  }

  function askTime(): void {
    if (session.link.phase !== 'connected') return;
    const t = clock.now();
    // The vehicle learns of this clock what this end learns of the vehicle's.
    const answer = heardTime ? { echo: heardTime.t, held: t - heardTime.at } : {};
    say({ type: 'clock', ts: t, t, ...answer });
  }

  function say(event: OperatorEvent): boolean {
    return session.send('events', JSON.stringify(event));
  }

  return {
    get view(): RoomView {
      return view;
    },
    dropped: signalling.dropped,
    stats: session.stats,
    /** Shows itself to the vehicle, which then offers a session. */
    enter(): void {
      if (arrival === 'entered') return;
      arrival = 'entered';
      // Where there is a session, it is the shorter way.
      say({ type: 'enter', ts: clock.now() });
      signalling.announce();
    },
    /** Asks for the wheel; the answer comes as `view.claim`. */
    request: claim.request,
    release: claim.release,
    handOver: claim.handOver,
    decline: claim.decline,
    /** Says of itself that it may take the wheel from others, or does not any more. */
    supervise(on: boolean): void {
      supervises = on;
      if (arrival === 'entered') signalling.announce();
    },
    /** Sends one command; false when this operator doesn't hold the lease or isn't connected. */
    command(wanted: Wanted): boolean {
      if (view.claim.state !== 'held') return false;
      const command: Command = { seq: ++seq, t: clock.now(), lease: view.claim.lease, ...wanted };
      return session.send('control', JSON.stringify(command));
    },
    /**
     * Emergency stop, over the events channel and MQTT at once; again and again does no harm.
     * @returns whether it could be sent on one of them
     */
    estop(reason?: string): boolean {
      const why = reason === undefined ? {} : { reason };
      const direct = say({ type: 'estop', ts: clock.now(), ...why });
      signalling.publish('estop', topics.estop(room), { from: self, ...why });
      return direct || signalling.state.state === 'connected';
    },
    /** Ends an emergency stop; heeded where the vehicle stands. */
    reset: () => say({ type: 'reset', ts: clock.now() }),
    /** Says something on the events channel, such as `stats`. */
    say,
    /** This machine's network has changed, and what was there may be gone. */
    networkChanged(): void {
      signalling.renew();
      session.moved();
    },
    async close(): Promise<void> {
      stopClock();
      stopExpecting();
      reports.stop();
      session.close('left');
      await signalling.close();
    },
  };
}
