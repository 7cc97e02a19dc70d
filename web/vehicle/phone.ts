/** This device as a vehicle: its end of the room, its camera, its sensors. */
import { effect, signal } from '@preact/signals';
import type { BusState } from '../../shared/bus.ts';
import { systemClock } from '../../shared/clock.ts';
import type { OfferState } from '../../shared/messages.ts';
import { actuationOf, DEFAULT_TIMES, keepSafety } from '../../shared/safety.ts';
import { DEFAULT_SPEED_RULES, limitsOf } from '../../shared/speed-limit.ts';
import { createVehicleEnd, type VehicleEnd } from '../../shared/vehicle-end.ts';
import type { Doing } from '../../shared/vehicle-reports.ts';
import type { Verdict } from '../../shared/verdict.ts';
import type { VssValues } from '../../shared/vss.ts';
import { takeIdentity } from '../access/identity.ts';
import { watchNetwork } from '../network-watch.ts';
import { onPageLife } from '../page-life.ts';
import { createBrowserPeer } from '../peer.ts';
import { fleetSettings, iceServers, iceWarnings, loadIceServers, you } from '../settings.ts';
import { createCamera } from './camera.ts';
import { sayCaptureTimes } from './capture-times.ts';
import { ownKey } from './own-key.ts';
import { createSensors } from './sensors.ts';
import { keepAwake } from './wake.ts';

/** A phone's uplink and its encoder carry no more. */
const MAX_OPERATORS = 3;
const MAX_KBPS = 2_500;
const TELEMETRY_MS = 200;

const clock = systemClock;
const log = {
  info: () => {},
  warn: (fields: object, message: string) => console.warn(message, fields),
};

export type Phone = ReturnType<typeof createPhone>;

/** Call it from a click: camera, position and motion may have to be asked for. */
export function createPhone(room: string) {
  const camera = createCamera();
  const sensors = createSensors();
  const letSleep = keepAwake();
  const broker = signal<BusState>({ state: 'connecting' });
  const sessions = signal<OfferState['sessions']>([]);
  /** Operators of whom nothing is heard at the moment. */
  const silent = signal<string[]>([]);
  const holder = signal<string | null>(null);
  /** The last session that failed, until one connects. */
  const failure = signal<{ operator: string; why: Verdict } | null>(null);
  const replaced = signal(false);
  /** Most video that may be sent, kbit/s. */
  const ceiling = signal(MAX_KBPS);
  let end: VehicleEnd | null = null;
  const safety = keepSafety({
    times: DEFAULT_TIMES,
    limits: DEFAULT_SPEED_RULES,
    speed,
    now: () => performance.now(),
    onSafety: (next, before) =>
      (next.state !== before.state || next.reason !== before.reason) && end?.safety(next.state, next.reason),
    onStopped: () => end?.renewLease(),
    onLimit: (limit) => end?.limits(limitsOf(limit)),
  });
  const doing = signal<Doing>(doingNow());
  let turn = 0;

  function speed(): number {
    return (sensors.values()['Vehicle.Speed'] ?? 0) / 3.6;
  }

  /** What it is told while it is told something; a phone moves nothing by itself. */
  function doingNow(): Doing {
    const now = safety.now;
    return { speed: speed(), ...actuationOf(now, speed()), safety: now.state };
  }

  async function join(): Promise<void> {
    const mine = ++turn;
    const [settings] = await Promise.all([fleetSettings(), loadIceServers(room)]);
    // Where there is access control the server has let this page be this vehicle, and no other.
    const credentials = you.peek() ? (await takeIdentity()).credentials : undefined;
    if (mine !== turn) return;
    replaced.value = false;
    end = createVehicleEnd({
      url: settings.url,
      root: settings.root,
      credentials,
      guarded: credentials !== undefined,
      room,
      secretKey: ownKey(settings.root, room),
      // From the server that this page itself is from: there is nothing to be kept of it.
      fleetKey: () => settings.fleetKey,
      maxOperators: MAX_OPERATORS,
      createPeer: (_operator, entered) =>
        createBrowserPeer({
          iceServers,
          notes: () => iceWarnings.peek(),
          attach: (connection) => sendVideo(connection, entered),
        }),
      doing: doingNow,
      onCommand: (command, delay) => safety.take({ type: 'command', command }, delay),
      onLease(driver, asked) {
        holder.value = driver;
        safety.take({ type: 'lease', driver, asked });
      },
      onEstop: (by, reason) => safety.take({ type: 'estop', by, reason }),
      onReset: () => safety.take({ type: 'reset' }),
      onRelayLimit(kbps) {
        ceiling.value = Math.min(MAX_KBPS, kbps ?? MAX_KBPS);
      },
      onSessions(next, unheard) {
        sessions.value = next;
        silent.value = unheard;
        if (next.some(({ phase }) => phase === 'connected')) failure.value = null;
      },
      onFailed(operator, why) {
        failure.value = { operator, why };
      },
      onState(state) {
        broker.value = state;
      },
      onReplaced() {
        replaced.value = true;
        leave();
      },
      clock,
      log,
    });
    end.safety(safety.now.state, safety.now.reason);
    end.limits(limitsOf(safety.now.limit));
  }

  /** Every operator who has entered gets whatever the camera shows now, also after it was turned round. */
  function sendVideo(connection: RTCPeerConnection, entered: Promise<void>): () => void {
    const transceiver = connection.addTransceiver('video', { direction: 'sendonly' });
    sayCaptureTimes(transceiver);
    const { sender } = transceiver;
    const watched = signal(false);
    void entered.then(() => {
      watched.value = true;
    });
    const stopLimiting = effect(() => {
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) encoding.maxBitrate = ceiling.value * 1_000;
      parameters.degradationPreference = 'maintain-framerate';
      void sender.setParameters(parameters).catch(() => {});
    });
    const stopFilming = effect(() => {
      const now = camera.state.value;
      const track = watched.value && now.state === 'on' ? now.track : null;
      void sender.replaceTrack(track).catch(() => {});
    });
    return () => {
      stopLimiting();
      stopFilming();
    };
  }

  function tick(): void {
    const next = doingNow();
    doing.value = next;
    end?.telemetry(telemetryOf(next, sensors.values()));
  }

  function leave(): void {
    turn++;
    void end?.close();
    end = null;
    sessions.value = [];
    failure.value = null;
    silent.value = [];
    holder.value = null;
    safety.take({ type: 'lease', driver: null, asked: false });
  }

  const stopTicking = clock.every(TELEMETRY_MS, tick);
  const unwatch = onPageLife(leave, () => void join());
  const unwatchNetwork = watchNetwork(() => end?.networkChanged());
  void camera.start('environment');
  void join();

  return {
    room,
    camera,
    broker,
    sessions,
    silent,
    holder,
    failure,
    replaced,
    doing,
    /** After another one has taken this vehicle over. */
    takeOver: () => void join(),
    close(): void {
      stopTicking();
      unwatch();
      unwatchNetwork();
      letSleep();
      leave();
      sensors.close();
      camera.stop();
    },
  };
}

/** What it measures, and what it was told; a phone has no pedals of its own. */
function telemetryOf({ throttle, brake, gear }: Doing, measured: VssValues): VssValues {
  return {
    'Vehicle.Speed': 0,
    ...measured,
    'Vehicle.Chassis.Accelerator.PedalPosition': Math.round(throttle * 100),
    'Vehicle.Chassis.Brake.PedalPosition': Math.round(brake * 100),
    'Vehicle.Powertrain.Transmission.CurrentGear': { D: 1, N: 0, R: -1 }[gear],
  };
}
