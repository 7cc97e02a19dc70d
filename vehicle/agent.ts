/** The agent of one vehicle: joins its room, films, moves, and tells what it does. */
import type { Command } from '../shared/channels.ts';
import { systemClock } from '../shared/clock.ts';
import type { Log } from '../shared/log.ts';
import type { IceServer } from '../shared/server-api.ts';
import { createVehicleEnd } from '../shared/vehicle-end.ts';
import type { Doing } from '../shared/vehicle-reports.ts';
import { inOneText } from '../shared/verdict.ts';
import { createAudience } from './audience.ts';
import { type AskIceServers, askServer, keepIceServers } from './ice-servers.ts';
import { watchAddresses } from './network-watch.ts';
import { decide } from './safety.ts';
import { withoutLogin } from './shown-address.ts';
import { createSimulatedDriver } from './simulated/driver.ts';
import { createSimulatedVideo } from './simulated/video.ts';
import { createPeerFactory } from './webrtc/peer.ts';

/** The vehicle decides what to apply every 20 ms. */
const TICK_MS = 20;
const TELEMETRY_MS = 100;
/** The age of a command must not depend on a clock that somebody can set, ms. */
const monotonic = () => performance.now();

export interface VehicleOptions {
  room: string;
  /** Address of the MQTT broker. */
  broker: string;
  root: string;
  name?: string | undefined;
  maxOperators: number;
  /** STUN and TURN servers, or whom to ask for them; instead of those of `server`. */
  iceServers?: IceServer[] | AskIceServers | undefined;
  /** Address of the web server whose /api/ice is asked. */
  server?: string | undefined;
  fps: number;
  /** Upper limit of the video, kbit/s. */
  kbps: number;
  codec?: string | undefined;
}

export interface RunningVehicle {
  /** Stops, says goodbye to everyone, and resolves when that is done. */
  close(): Promise<void>;
  /** Resolves when the vehicle can't go on: another agent has its room, or the broker refuses it. */
  failed: Promise<Error>;
}

/** Another agent runs for the same room; starting again would only take it back. */
export class ReplacedError extends Error {}

export async function runVehicle(options: VehicleOptions, log: Log): Promise<RunningVehicle> {
  const clock = systemClock;
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const source = options.iceServers ?? (options.server ? askServer(options.server, options.room) : []);
  const iceServers = await keepIceServers(source, clock, log);
  const peers = createPeerFactory({
    iceServers: iceServers.get,
    notes: iceServers.warnings,
  });
  const driver = createSimulatedDriver();
  const video = createSimulatedVideo({
    pose: driver.pose,
    fps: options.fps,
    kbps: options.kbps,
    ...(options.codec ? { codec: options.codec } : {}),
    onError: (error) => fail(new Error(`The camera stopped: ${error.message}`)),
  });
  const audience = createAudience(video, options.kbps);
  let last: { command: Command; at: number } | null = null;
  let decision = decide(null, monotonic());
  driver.apply(decision.apply);

  const end = createVehicleEnd({
    url: options.broker,
    root: options.root,
    room: options.room,
    name: options.name,
    maxOperators: options.maxOperators,
    createPeer: (operator, entered) => (handlers) => {
      let over = false;
      const peer = peers.create({
        ...handlers,
        mediaReady: () => void entered.then(() => over || audience.join(operator, peer)),
        keyFrameWanted: () => video.requestKeyFrame(),
        videoChanged: audience.update,
      });
      const close = () => {
        over = true;
        audience.leave(operator, peer);
        peer.close();
      };
      return { ...peer, close };
    },
    doing,
    onCommand: (command) => {
      last = { command, at: monotonic() };
      tick();
    },
    onLease: (holder) => {
      audience.setDriver(holder);
      last = null;
      tick();
    },
    onRelayLimit: audience.limit,
    onFailed: (operator, why) => log.warn({ operator, verdict: why.code, end: why.end }, inOneText(why)),
    onSessions: (sessions) => log.debug({ sessions }, 'sessions'),
    onState: (state) => {
      const broker = withoutLogin(options.broker);
      if (state.state === 'offline')
        log.warn({ broker, reason: state.detail }, `no connection to ${broker}, trying again`);
      else log.info({ broker }, `broker: ${state.state}`);
      if (state.state === 'connected') iceServers.again();
      if (state.state === 'refused') fail(new Error(`The broker refused ${options.room}: ${state.detail}`));
    },
    onReplaced: () => fail(new ReplacedError(`Another agent has taken over ${options.room}.`)),
    clock,
    log,
  });
  end.safety(decision.state);
  const stopTicks = clock.every(TICK_MS, tick);
  const stopWatching = watchAddresses(() => {
    log.info({ room: options.room }, 'the network of this machine has changed');
    end.networkChanged();
  });
  const stopTelemetry = clock.every(TELEMETRY_MS, () => end.telemetry(driver.motion().values));

  function tick(): void {
    const next = decide(last, monotonic());
    driver.apply(next.apply);
    if (next.state !== decision.state) {
      end.safety(next.state, next.reason);
      log.info({ room: options.room, reason: next.reason }, `safety: ${next.state}`);
    }
    decision = next;
  }

  function doing(): Doing {
    const { speed, steer, throttle, brake, gear } = driver.motion();
    return { speed, steer, throttle, brake, gear, safety: decision.state };
  }

  return {
    failed,
    async close() {
      stopTicks();
      stopWatching();
      stopTelemetry();
      driver.apply(decide(null, monotonic()).apply);
      await end.close();
      peers.close();
      iceServers.close();
      driver.close();
      await video.close();
    },
  };
}
