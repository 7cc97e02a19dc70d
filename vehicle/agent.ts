/** The agent of one vehicle: joins its room, films, moves, and tells what it does. */
import { systemClock } from '../shared/clock.ts';
import { type Credentials, fixedCredentials } from '../shared/credentials.ts';
import type { Log } from '../shared/log.ts';
import {
  type Actuation,
  AT_FIRST,
  actuationOf,
  DEFAULT_TIMES,
  holdOf,
  keepSafety,
  type Safety,
  type SafetyTimes,
} from '../shared/safety.ts';
import type { IceServer } from '../shared/server-api.ts';
import { DEFAULT_SPEED_RULES, limitsOf, type SpeedLimit, type SpeedRules } from '../shared/speed-limit.ts';
import { createVehicleEnd } from '../shared/vehicle-end.ts';
import type { Doing } from '../shared/vehicle-reports.ts';
import { inOneText } from '../shared/verdict.ts';
import { createAudience } from './audience.ts';
import { NODE_ED25519 } from './ed25519.ts';
import { createEstopLatch } from './estop-latch.ts';
import { type FleetKeySource, keepFleetKey } from './fleet-key.ts';
import { type AskIceServers, askServer, keepIceServers } from './ice-servers.ts';
import { type DriveLogOptions, startDriveLog } from './log/drive-log.ts';
import { createRecorder } from './log/recorder.ts';
import { watchAddresses } from './network-watch.ts';
import { ownKey } from './own-key.ts';
import { withoutLogin } from './shown-address.ts';
import { startSimulatedCar } from './simulated/car-process.ts';
import { createSimulatedVideo } from './simulated/video.ts';
import { createPeerFactory } from './webrtc/peer.ts';

/** The vehicle decides what to apply every 20 ms. */
const TICK_MS = 20;
const TELEMETRY_MS = 100;

export interface VehicleOptions {
  room: string;
  /** Address of the MQTT broker. */
  broker: string;
  /** Certificate that it shows to the broker, PEM. */
  tls?: { cert: string; key: string } | undefined;
  root: string;
  name?: string | undefined;
  maxOperators: number;
  /** STUN and TURN servers, or whom to ask for them; instead of those of `server`. */
  iceServers?: IceServer[] | AskIceServers | undefined;
  /** Address of the web server whose /api/ice is asked. */
  server?: string | undefined;
  /** Where there is access control: lets the vehicle in at the broker, and at the server. */
  token?: string | undefined;
  fps: number;
  /** Upper limit of the video, kbit/s. */
  kbps: number;
  codec?: string | undefined;
  /** For how long a command counts; safety.ts has the default. */
  times?: SafetyTimes | undefined;
  /** How fast it lets itself be driven; speed-limit.ts has the default. */
  speed?: SpeedRules | undefined;
  /** Where an emergency stop is kept over a restart; nowhere unless given. */
  estopFile?: string | undefined;
  /** Where its own key is kept; it signs nothing unless given. */
  keyFile?: string | undefined;
  /** Where the fleet's key comes from; operators need no pass unless given. */
  fleetKey?: Omit<FleetKeySource, 'server'> | undefined;
  /** Where the drive log goes, and whether it has the video too; none unless given. */
  driveLog?: (DriveLogOptions & { video?: boolean | undefined }) | undefined;
}

export interface RunningVehicle {
  /** Stops, says goodbye to everyone, and resolves when that is done. */
  close(): Promise<void>;
  /** Resolves when the vehicle can't go on: another agent has its room, or the broker refuses it. */
  failed: Promise<Error>;
}

/** Another agent runs for the same room; starting again would only take it back. */
export class ReplacedError extends Error {}

/** The broker does not take its token; it will not the next time. */
export class RefusedError extends Error {}

/** @param onRejected the broker does not take the token */
function credentialsOf({ room, token }: VehicleOptions, onRejected: () => void): Credentials | undefined {
  if (token === undefined) return undefined;
  const fixed = fixedCredentials(room, token);
  const renew = () => {
    // It never runs out: others are asked for only when it was rejected.
    onRejected();
    return fixed.renew();
  };
  return { ...fixed, renew };
}

/** @param url of a broker */
function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}

export async function runVehicle(options: VehicleOptions, log: Log): Promise<RunningVehicle> {
  const clock = systemClock;
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const source =
    options.iceServers ?? (options.server ? askServer(options.server, options.room, options.token) : []);
  // First: what is wrong with a key ends everything, and leaves nothing behind.
  const secretKey = options.keyFile === undefined ? null : await ownKey(options.keyFile, log);
  const fleetKey =
    options.fleetKey && (await keepFleetKey({ server: options.server, ...options.fleetKey }, clock, log));
  const [latch, iceServers, driver] = await Promise.all([
    createEstopLatch(options.estopFile ?? null, log),
    keepIceServers(source, clock, log),
    startSimulatedCar((how) => fail(new Error(`The car is gone: ${how}.`))),
  ]);
  const peers = createPeerFactory({
    iceServers: iceServers.get,
    notes: iceServers.warnings,
    // With a broker here for this machine alone, operators may have no other address.
    allowLoopback: isLoopback(options.broker),
  });
  const video = createSimulatedVideo({
    pose: driver.pose,
    fps: options.fps,
    kbps: options.kbps,
    ...(options.codec ? { codec: options.codec } : {}),
    onError: (error) => fail(new Error(`The camera stopped: ${error.message}`)),
  });
  const audience = createAudience(video, options.kbps);
  const withVideo = options.driveLog?.video === true;
  const driveLog =
    options.driveLog &&
    startDriveLog(options.room, options.driveLog, clock, log, () => {
      recorder?.again();
      // The change to a picture in the file before shows nothing.
      if (withVideo) video.requestKeyFrame();
    });
  const recorder = driveLog && createRecorder(driveLog.write, clock);
  if (withVideo && recorder) video.onPicture(recorder.picture);
  let rejected = false;
  const times = options.times ?? DEFAULT_TIMES;
  const now = () => performance.now();
  let told: Actuation;
  const safety = keepSafety({
    times,
    now,
    limits: options.speed ?? DEFAULT_SPEED_RULES,
    speed: () => driver.motion().speed,
    onSafety: changed,
    onStopped: () => end.renewLease(),
    onLimit: limited,
  });
  apply(AT_FIRST);

  const end = createVehicleEnd({
    url: options.broker,
    root: options.root,
    credentials: credentialsOf(options, () => {
      rejected = true;
    }),
    guarded: options.token !== undefined || options.tls !== undefined,
    tls: options.tls,
    room: options.room,
    name: options.name,
    ...(secretKey === null ? {} : { secretKey }),
    ed25519: NODE_ED25519,
    ...(fleetKey ? { fleetKey: fleetKey.get } : {}),
    maxOperators: options.maxOperators,
    createPeer: (operator, entered) => (handlers) => {
      let over = false;
      const peer = peers.create({
        ...handlers,
        mediaReady: () => void entered.then(() => over || audience.join(operator, peer)),
        keyFrameWanted: () => audience.keyFrameWanted(operator),
        videoChanged: audience.update,
      });
      const close = () => {
        over = true;
        audience.leave(peer);
        peer.close();
      };
      return { ...peer, close };
    },
    doing,
    onCommand: (command, delay) => safety.take({ type: 'command', command }, delay),
    onLease: (driver, asked) => {
      audience.setDriver(driver);
      safety.take({ type: 'lease', driver, asked });
    },
    onEstop(by, reason) {
      safety.take({ type: 'estop', by, reason });
      latch.set({ by, reason });
    },
    onReset() {
      safety.take({ type: 'reset' });
      if (safety.now.state !== 'estopped') latch.clear();
    },
    onRelayLimit: audience.limit,
    onFailed: (operator, why) => log.warn({ operator, verdict: why.code, end: why.end }, inOneText(why)),
    onSessions: (sessions) => log.debug({ sessions }, 'sessions'),
    onState: (state) => {
      const broker = withoutLogin(options.broker);
      if (state.state === 'offline')
        log.warn({ broker, reason: state.detail }, `no connection to ${broker}, trying again`);
      else log.info({ broker }, `broker: ${state.state}`);
      if (state.state === 'connected') {
        iceServers.again();
        fleetKey?.again();
      }
      if (state.state === 'refused') {
        const message = `The broker refused ${options.room}: ${state.detail}`;
        fail(rejected ? new RefusedError(message) : new Error(message));
      }
    },
    ...(recorder ? { record: recorder.recorded } : {}),
    onReplaced: () => fail(new ReplacedError(`Another agent has taken over ${options.room}.`)),
    clock,
    log,
  });
  end.safety(safety.now.state, null);
  if (latch.found) safety.take({ type: 'estop', ...latch.found });
  end.limits(limitsOf(safety.now.limit));
  const stopTicks = clock.every(TICK_MS, govern);
  const stopWatching = watchAddresses(() => {
    log.info({ room: options.room }, 'the network of this machine has changed');
    end.networkChanged();
  });
  const stopTelemetry = clock.every(TELEMETRY_MS, () => {
    const { values } = driver.motion();
    end.telemetry(values);
    recorder?.telemetry(values);
  });

  function apply(next: Safety): void {
    told = actuationOf(next, driver.motion().speed);
    driver.apply(told, holdOf(next, now(), times));
    recorder?.applied(told, next);
  }

  /** Near the limit of its speed the pedals are other ones though nothing has come. */
  function govern(): void {
    const { throttle, brake } = actuationOf(safety.now, driver.motion().speed);
    if (throttle !== told.throttle || brake !== told.brake) apply(safety.now);
  }

  function limited(limit: SpeedLimit): void {
    end.limits(limitsOf(limit));
    log.info({ room: options.room, ...limit }, `speed limit: ${(limit.maxSpeed * 3.6).toFixed(0)} km/h`);
  }

  function changed(next: Safety, before: Safety): void {
    apply(next);
    const { state, reason } = next;
    if (state === before.state && reason === before.reason) return;
    end.safety(state, reason);
    log.info({ room: options.room, reason }, `safety: ${state}`);
  }

  function doing(): Doing {
    const { speed, steer, throttle, brake, gear } = driver.motion();
    // What it has just been told is not in its last word yet, which may be old where this process stood still.
    const judged = safety.now;
    const { throttle: most, brake: least } = actuationOf(judged, speed);
    return {
      speed,
      steer,
      throttle: Math.min(throttle, most),
      brake: Math.max(brake, least),
      gear,
      safety: judged.state,
    };
  }

  return {
    failed,
    async close() {
      stopTicks();
      stopWatching();
      stopTelemetry();
      apply(AT_FIRST);
      await end.close();
      recorder?.close();
      const logged = driveLog?.close();
      iceServers.close();
      fleetKey?.close();
      driver.close();
      audience.close();
      await video.close();
      await logged;
    },
  };
}
