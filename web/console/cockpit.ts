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
import { createPathVerdict } from './path-verdict.ts';
import { take } from './prepared.ts';
import { type History, median, NO_HISTORY, remember } from './round-trip.ts';
import { BLIND_MS, sentence } from './sentence.ts';
import { createVideoStats, type VideoStats } from './video-stats.ts';

/** How often the sentence is looked at again: what has frozen shows after this at the latest, ms. */
const LOOK_MS = 100;
const ROUND_TRIP_MS = 250;
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
  const frames = watchFrames(askedAt(), () => said.peek() && look());
  const history = signal<History>(NO_HISTORY);
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
  const roundTrip = computed(() => history.value[1].at(-1) ?? null);
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
      request: room.request,
      release: room.release,
      estop: room.estop,
      reset: room.reset,
      command: room.command,
    },
    [keyboard, gamepad, touch.input],
    clock,
  );

  const onBlur = () => drive.letGo('You let go of the wheel: this window is not in front any more.');
  const onHidden = () =>
    document.visibilityState === 'hidden' && drive.letGo('You let go of the wheel: this page was hidden.');
  addEventListener('blur', onBlur);
  document.addEventListener('visibilitychange', onHidden);

  function measureRoundTrip(): void {
    const commands = median(room.takeRoundTrips());
    const value = connected.value ? (commands ?? room.view.value?.clock?.rtt ?? null) : null;
    history.value = remember(history.value, clock.now() / 1000, value);
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
    clock.every(ROUND_TRIP_MS, measureRoundTrip),
    clock.every(STATS_MS, () => void measureVideo()),
    onPageLife(() => {
      drive.letGo(null);
      void room.leave();
    }, room.rejoin),
    effect(() => {
      document.title = `${said.value ? '' : '● '}${name} · plntry`;
    }),
    () => removeEventListener('blur', onBlur),
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
