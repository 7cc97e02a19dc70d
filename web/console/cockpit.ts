/** Everything that runs behind one console page, from the click to leaving. */
import { computed, effect, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { SafetyState } from '../../shared/channels.ts';
import { systemClock } from '../../shared/clock.ts';
import { onPageLife } from '../page-life.ts';
import { askedAt } from '../router.ts';
import { settingsProblem } from '../settings.ts';
import type { TimelineOverlayProps } from '../timeline/overlay.tsx';
import { createDrive } from './drive.ts';
import { watchFrames } from './frames.ts';
import { createGamepad } from './inputs/gamepad.ts';
import { createKeyboard } from './inputs/keyboard.ts';
import { createTouch } from './inputs/touch.tsx';
import { type History, type Latency, median, NO_HISTORY, remember, together } from './latency.ts';
import { createPathVerdict } from './path-verdict.ts';
import { take } from './prepared.ts';
import { BLIND_MS, sentence } from './sentence.ts';
import { createVideoStats, type VideoStats } from './video-stats.ts';

/** How often the sentence is looked at again: what has frozen shows after this at the latest, ms. */
const LOOK_MS = 100;
const LATENCY_MS = 250;
/** How often the age of the picture is looked at: it grows until the next one comes. */
const AGE_MS = 25;
const STATS_MS = 1_000;
/** What can wait for the first picture waits no longer than this, ms. */
const CALM_MS = 1_500;
/** The vehicle says something 20 times a second; instruments older than this are not believed, ms. */
const STALE_MS = 500;

/** States in which a car wants the throttle to be released first. */
const STOPPED: ReadonlySet<SafetyState> = new Set(['stopped', 'estopped']);

const clock = systemClock;

export type Cockpit = ReturnType<typeof createCockpit>;

export function createCockpit(name: string) {
  const room = take(name);
  const now = signal(clock.now());
  const look = () => {
    now.value = clock.now();
  };
  // A picture that comes back is not kept dimmed until the next look.
  const frames = watchFrames(
    askedAt(),
    () => room.receiver.peek(),
    () => said.peek() && look(),
  );
  /** Of {@link together}. */
  const history = signal<History>(NO_HISTORY);
  const latency = signal<Latency>({ picture: null, command: null });
  const roundTrip = signal<number | null>(null);
  let ages: number[] = [];
  const videoStats = signal<VideoStats | null>(null);
  const readVideo = createVideoStats();
  const touch = createTouch();

  /** What lies over the picture, when somebody has asked for it; its code comes with the question. */
  const overlay = signal<ComponentType<TimelineOverlayProps> | null>(null);

  const patience = signal(true);
  /** The first picture is there, or takes long: time to load what is nice to have. */
  const calm = computed(() => frames.firstFrameMs.value !== null || !patience.value);
  const path = createPathVerdict(room.view, calm);
  const connected = computed(() => room.view.value?.link.phase === 'connected');
  /** What the vehicle applies; null when it has not said so lately. */
  const applied = computed(() => {
    const heard = room.vehicle.value;
    return heard && now.value - heard.at < STALE_MS ? heard.state : null;
  });
  const said = computed(() =>
    sentence(
      {
        room: name,
        problem: settingsProblem.value,
        view: room.view.value,
        since: room.since.value,
        interrupted: room.interrupted.value,
        verdict: path.now.value,
        failure: path.failure.value,
        lastFrameAt: frames.lastAt,
      },
      now.value,
    ),
  );

  const keyboard = createKeyboard({
    Space: () => drive.stop(),
    KeyF: () => drive.shift('D'),
    KeyN: () => drive.shift('N'),
    KeyR: () => drive.shift('R'),
  });
  const gamepad = createGamepad({
    gear: (gear) => drive.shift(gear),
    stop: () => drive.stop(),
    lost: () => drive.letGo('You let go of the wheel: the gamepad is gone.'),
  });
  const drive = createDrive(
    {
      claim: () => room.view.peek()?.claim ?? { state: 'none' },
      connected: () => connected.peek(),
      stopped: () => STOPPED.has(applied.peek()?.safety ?? 'ready'),
      sees: () => frames.lastAt !== null && clock.now() - frames.lastAt < BLIND_MS,
      request: () => room.request(),
      release: room.release,
      handOver: room.handOver,
      estop: room.estop,
      reset: room.reset,
      command: (wanted) => room.command({ ...wanted, ...seen() }),
    },
    [keyboard, gamepad, touch.input],
    clock,
  );

  const onBlur = () => drive.letGo('You let go of the wheel: this window is not in front any more.');
  const onHidden = () =>
    document.visibilityState === 'hidden' && drive.letGo('You let go of the wheel: this page was hidden.');
  // Nothing runs in a page that the browser freezes: this is the last word before it.
  const onFreeze = () => drive.letGo('You let go of the wheel: the browser froze this page.');
  addEventListener('blur', onBlur);
  document.addEventListener('freeze', onFreeze);
  document.addEventListener('visibilitychange', onHidden);

  /** How old what is on the screen is by now, ms; null where that is not known. */
  function pictureAge(): number | null {
    const { capturedAt } = frames;
    const offset = room.view.peek()?.clock?.offset;
    if (capturedAt === null || offset === undefined || !connected.peek()) return null;
    return Math.max(0, clock.now() + offset - capturedAt);
  }

  /** For the car, which makes itself slower by it. */
  function seen(): { video?: number } {
    const age = pictureAge();
    return age === null ? {} : { video: Math.round(age) };
  }

  function lookAtAge(): void {
    const age = pictureAge();
    if (age !== null) ages.push(age);
  }

  function measureLatency(): void {
    const rtt = connected.value ? (room.view.value?.clock?.rtt ?? null) : null;
    roundTrip.value = connected.value ? (median(room.takeRoundTrips()) ?? rtt) : null;
    // While none is sent, one would take half a round trip.
    const command = applied.value?.late ?? (rtt === null ? null : rtt / 2);
    latency.value = { picture: median(ages), command };
    ages = [];
    history.value = remember(history.value, clock.now() / 1000, together(latency.value));
  }

  async function measureVideo(): Promise<void> {
    const receiver = room.receiver.value;
    const stats = receiver && connected.value ? await readVideo(receiver) : null;
    videoStats.value = stats;
    if (!stats || stats.kbps === null) return;
    const { kbps, lostPackets, jitterMs, freezes } = stats;
    room.say({
      type: 'stats',
      ts: clock.now(),
      fps: frames.rate.value,
      kbps,
      lostPackets,
      jitterMs,
      freezes,
    });
  }

  const undo = [
    clock.after(CALM_MS, () => {
      patience.value = false;
    }),
    clock.every(LOOK_MS, look),
    clock.every(AGE_MS, lookAtAge),
    clock.every(LATENCY_MS, measureLatency),
    clock.every(STATS_MS, () => void measureVideo()),
    onPageLife(() => {
      drive.letGo(null);
      void room.leave();
    }, room.rejoin),
    effect(() => {
      document.title = `${said.value ? '' : '● '}${name} · plntry`;
    }),
    () => removeEventListener('blur', onBlur),
    () => document.removeEventListener('freeze', onFreeze),
    () => document.removeEventListener('visibilitychange', onHidden),
    keyboard.close,
    drive.close,
    frames.close,
    path.close,
  ];

  return {
    name,
    room,
    drive,
    frames,
    touch,
    now,
    history,
    latency,
    roundTrip,
    videoStats,
    overlay,
    calm,
    connected,
    path: path.now,
    applied,
    said,
    close(): void {
      drive.letGo(null);
      for (const stop of undo) stop();
      void room.leave();
    },
  };
}
