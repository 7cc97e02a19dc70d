/** The device's camera as a signal: the track to send, or why there is none. */
import { signal } from '@preact/signals';

export type Facing = 'environment' | 'user';

export type CameraState =
  | { state: 'off' }
  | { state: 'asking' }
  | { state: 'on'; track: MediaStreamTrack; facing: Facing }
  /** @property problem a sentence, with what to do about it */
  | { state: 'failed'; problem: string };

/** What a driver needs: little delay, and every picture. */
const WANTED: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

export type Camera = ReturnType<typeof createCamera>;

export function createCamera() {
  const state = signal<CameraState>({ state: 'off' });
  /** Counts starts and stops, so that an answer that comes late is known for it. */
  let turn = 0;

  async function start(facing: Facing): Promise<void> {
    const mine = ++turn;
    release();
    state.value = { state: 'asking' };
    try {
      if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError');
      const video = { ...WANTED, facingMode: { ideal: facing } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      const track = stream.getVideoTracks()[0];
      if (!track || mine !== turn) return stream.getTracks().forEach((one) => void one.stop());
      track.contentHint = 'motion';
      track.onended = () => {
        state.value = {
          state: 'failed',
          problem: 'The camera has been switched off. Start it again to be seen.',
        };
      };
      state.value = { state: 'on', track, facing };
    } catch (error) {
      if (mine === turn) state.value = { state: 'failed', problem: cameraProblem(error) };
    }
  }

  function release(): void {
    if (state.peek().state !== 'on') return;
    const { track } = state.peek() as Extract<CameraState, { state: 'on' }>;
    track.onended = null;
    track.stop();
  }

  return {
    state,
    start,
    flip(): Promise<void> {
      const now = state.peek();
      return start(now.state === 'on' && now.facing === 'environment' ? 'user' : 'environment');
    },
    stop(): void {
      turn++;
      release();
      state.value = { state: 'off' };
    },
  };
}

/** https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia, by the errors' names. */
export function cameraProblem(error: unknown): string {
  switch (error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
      return 'The camera was not allowed. Allow it for this page in the browser’s settings (beside the address), then try again.';
    case 'NotFoundError':
      return 'This device has no camera that the browser can see. Connect one, then try again.';
    case 'NotReadableError':
      return 'The camera is being used by another app. Close that one, then try again.';
    case 'SecurityError':
      return 'Browsers give the camera only to secure pages: open this page over https (or on localhost).';
    default:
      return `The camera could not be started${error instanceof Error && error.message ? `: ${error.message}` : ''}.`;
  }
}
