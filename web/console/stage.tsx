/** The picture, and over it, whenever it isn't live, what the matter is. */
import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { inOneText } from '../../shared/verdict/words.ts';
import type { Verdict } from '../../shared/verdict.ts';
import type { Cockpit } from './cockpit.ts';

/** ms */
const READING_MS = 1_000;

/**
 * For tests and benchmarks the video element carries, read-only and in ms where they are times:
 * `data-link` (phase of the link), `data-first-frame-ms` (from the click to the first picture on the
 * screen), `data-rtt-ms` (last round trip), `data-picture-ms` (age of the picture on the screen), `data-live` (the picture is live).
 */
export function Stage({ cockpit }: { cockpit: Cockpit }) {
  const { room, frames, said, roundTrip, latency } = cockpit;
  const video = useRef<HTMLVideoElement>(null);
  const still = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    if (video.current) frames.watch(video.current);
  }, []);
  useSignalEffect(() => {
    const stream = room.stream.value;
    if (!video.current || !still.current || video.current.srcObject === stream) return;
    // The last picture stays, dimmed, until a new stream has one: without a source there is none.
    keepPicture(video.current, still.current);
    video.current.srcObject = stream;
    frames.forget();
  });

  const sentence = said.value;
  return (
    <div class={`stage ${sentence ? 'dim' : ''}`}>
      <canvas ref={still} />
      <video
        ref={video}
        aria-label={`Camera of ${cockpit.name}`}
        autoplay
        muted
        playsInline
        disablePictureInPicture
        data-link={room.view.value?.link.phase ?? 'none'}
        data-first-frame-ms={frames.firstFrameMs.value ?? undefined}
        data-rtt-ms={roundTrip.value ?? undefined}
        data-picture-ms={latency.value.picture ?? undefined}
        data-live={sentence === null}
      />
      <div class={`said ${sentence ? sentence.tone : 'nothing'}`}>
        <div role="status">
          {sentence ? <h1 class={`${sentence.tone}-text`}>{sentence.title}</h1> : null}
          {sentence?.verdict ? <Reason verdict={sentence.verdict} /> : null}
        </div>
        {sentence ? <p>{sentence.detail}</p> : null}
        {sentence?.keys ? (
          <dl class="keys-shown">
            {sentence.keys.map(([what, fingerprint]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>{fingerprint}</dd>
              </div>
            ))}
          </dl>
        ) : null}
        {sentence && (sentence.again || sentence.trust !== undefined || sentence.leave) ? (
          <div class="row">
            {sentence.again ? (
              <button type="button" onClick={room.rejoin}>
                Try again
              </button>
            ) : null}
            {sentence.trust === undefined ? null : (
              <Trust key={sentence.trust} newKey={sentence.trust} onTrust={room.trust} />
            )}
            {sentence.leave ? (
              <a class="button" href={location.pathname} target="_self">
                Come in again
              </a>
            ) : null}
          </div>
        ) : null}
      </div>
    </div>
  );
}

/** Not before its key has been read: nobody shall trust one that has just come in the place of another. */
function Trust({ newKey, onTrust }: { newKey: string; onTrust: (key: string) => void }) {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setReady(true), READING_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <button type="button" disabled={!ready} onClick={() => onTrust(newKey)}>
      Trust the new key
    </button>
  );
}

/** For tests it carries `data-verdict` (its code), `data-verdict-state` and `data-verdict-end`. */
function Reason({ verdict }: { verdict: Verdict }) {
  return (
    <p data-verdict={verdict.code} data-verdict-state={verdict.state} data-verdict-end={verdict.end}>
      {inOneText(verdict)}
    </p>
  );
}

function keepPicture(video: HTMLVideoElement, still: HTMLCanvasElement): void {
  if (video.videoWidth === 0) return;
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d')?.drawImage(video, 0, 0);
}
