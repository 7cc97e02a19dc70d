/** An operator's end of a room, as signals for the page; can leave and join again. */
import { signal } from '@preact/signals';
import type { VehicleState } from '../../shared/channels.ts';
import { systemClock } from '../../shared/clock.ts';
import { createOperatorEnd, type OperatorEnd, type OperatorEndOptions } from '../../shared/operator-end.ts';
import type { RoomView } from '../../shared/room-view.ts';
import { takeIdentity, vouchFor } from '../access/identity.ts';
import { watchNetwork } from '../network-watch.ts';
import { createBrowserPeer } from '../peer.ts';
import {
  fleetSettings,
  iceServers,
  iceWarnings,
  knownSettings,
  loadIceServers,
  renewFleetSettings,
  renewIceServersNow,
  you,
} from '../settings.ts';
import { takeSocket } from '../spare-socket.ts';
import { recorder } from '../timeline/recorder.ts';
import { createKeyStore } from './known-keys.ts';
import { pagePublicKey, pageSecretKey, warmUpSignatures } from './page-key.ts';

const clock = systemClock;
const log = { warn: (fields: object, message: string) => console.warn(message, fields) };
warmUpSignatures();

export type Room = ReturnType<typeof createRoom>;

/** @param arrival until `enter`; see operator-end.ts */
export function createRoom(room: string, arrival: OperatorEndOptions['arrival']) {
  /** Null until the server has said where the broker is. */
  const view = signal<RoomView | null>(null);
  /** Empty until it is known. */
  const self = signal('');
  const vehicle = signal<{ state: VehicleState; at: number } | null>(null);
  const stream = signal<MediaStream | null>(null);
  /** May take the wheel from others. */
  const supervises = signal(you.peek()?.role === 'supervisor');
  const receiver = signal<RTCRtpReceiver | null>(null);
  /** When the broker's state and the link's phase began, ms since the epoch. */
  const since = signal({ broker: clock.now(), link: clock.now() });
  /** The link was interrupted before it came to what it is now. */
  const interrupted = signal(false);
  /** Round trips of the commands since the last look, ms. */
  let roundTrips: number[] = [];
  let entered = false;
  let end: OperatorEnd | null = null;
  let record: ReturnType<typeof recorder.watch> | null = null;
  /** Counts joins and leaves, so that a join that took long knows that it is not wanted any more. */
  let turn = 0;
  let unwatch = () => {};
  const keys = createKeyStore(room, knownSettings);

  async function join(): Promise<void> {
    const mine = ++turn;
    // Connecting goes on while the page is drawn, which takes some 20 ms.
    const settings = knownSettings() ?? (await fleetSettings());
    const identity = takeIdentity();
    const { peer, credentials, pass } = identity instanceof Promise ? await identity : identity;
    if (mine !== turn) return;
    const vouched = settings.fleetKey !== null;
    self.value = peer;
    const ready = loadIceServers(peer);
    record = recorder.watch(room, peer);
    end = createOperatorEnd({
      watch: record,
      url: settings.url,
      root: settings.root,
      room,
      self: peer,
      credentials,
      arrival: entered ? 'entered' : arrival,
      keys,
      ...(vouched ? { identity: { secretKey: pageSecretKey(), pass } } : {}),
      openSocket: takeSocket,
      createPeer: createBrowserPeer({
        ready,
        iceServers,
        notes: () => iceWarnings.peek(),
        attach: receiveVideo,
      }),
      onView,
      onState(state, rttMs) {
        vehicle.value = { state, at: clock.now() };
        if (rttMs !== null) roundTrips.push(rttMs);
      },
      clock,
      log,
    });
    if (vouched) {
      // Asked for while the broker is being reached: vehicles of this fleet want to see it.
      vouchFor(pagePublicKey());
      void pass();
    }
    if (you.peek()?.role === 'supervisor') supervises.value = true;
    if (supervises.value) end.supervise(true);
    view.value = end.view;
    unwatch = watchNetwork(() => end?.networkChanged());
  }

  function onView(next: RoomView, before: RoomView): void {
    record?.view(next, before);
    if (next.broker.state === 'connected' && before.broker.state === 'offline') renewIceServersNow();
    if (next.broker.state !== before.broker.state) since.value = { ...since.value, broker: clock.now() };
    if (next.link.phase !== before.link.phase) {
      since.value = { ...since.value, link: clock.now() };
      interrupted.value = before.link.phase === 'restoring';
    }
    view.value = next;
  }

  function receiveVideo(connection: RTCPeerConnection): () => void {
    let mine: MediaStream | null = null;
    connection.ontrack = ({ track, receiver: from, streams }) => {
      if (track.kind !== 'video') return;
      // A driver wants the newest picture, not a smooth one (W3C webrtc-extensions, jitterBufferTarget).
      from.jitterBufferTarget = 0;
      mine = streams[0] ?? new MediaStream([track]);
      const show = () => {
        receiver.value = from;
        stream.value = mine;
      };
      // One that is made beside another is shown when something comes: the old one serves on until then.
      if (stream.value === null) show();
      else track.onunmute = show;
    };
    return () => {
      connection.ontrack = null;
      if (mine === null || stream.value !== mine) return;
      receiver.value = null;
      // Before the connection closes, so that its last picture can still be kept.
      stream.value = null;
    };
  }

  async function leave(): Promise<void> {
    turn++;
    unwatch();
    const [leaving, leavingRecord] = [end, record];
    end = null;
    await leaving?.close();
    leavingRecord?.close();
  }

  /** Joins as somebody new: what is left of the one before can't be in the way. */
  async function rejoin(): Promise<void> {
    const stranger = view.value?.identity.refused;
    void leave();
    view.value = null;
    entered = true;
    const mine = turn;
    // The fleet may know the vehicle by now.
    if (stranger) await renewFleetSettings();
    if (mine === turn) await join();
  }

  void join();

  return {
    name: room,
    self,
    view,
    vehicle,
    stream,
    receiver,
    since,
    interrupted,
    enter(): void {
      entered = true;
      end?.enter();
    },
    leave,
    rejoin: () => void rejoin(),
    /** Takes a key for the vehicle's from now on, and begins anew. */
    trust(key: string): void {
      keys.pin(key);
      void rejoin();
    },
    /** Of the commands since the last call, ms; null when there was none. */
    takeRoundTrips(): number[] {
      const taken = roundTrips;
      roundTrips = [];
      return taken;
    },
    request: (...[how]: Parameters<OperatorEnd['request']>) => end?.request(how),
    handOver: () => end?.handOver(),
    decline: () => end?.decline(),
    supervises,
    supervise(on: boolean): void {
      supervises.value = on;
      end?.supervise(on);
    },
    release: () => end?.release(),
    estop: () => end?.estop() ?? false,
    reset: () => void end?.reset(),
    command: (...[wanted]: Parameters<OperatorEnd['command']>) => end?.command(wanted) ?? false,
    say: (...[event]: Parameters<OperatorEnd['say']>) => end?.say(event) ?? false,
    stats: async () => (await end?.stats()) ?? null,
    dropped: () => end?.dropped() ?? {},
  };
}
