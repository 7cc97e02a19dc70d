/** A device that is a vehicle: waiting, seen, or driven, and with what commands. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { inOneText } from '../../shared/verdict.ts';
import { fixed } from '../format.ts';
import { IceWarnings } from '../ice-warnings.tsx';
import { settingsProblem } from '../settings.ts';
import type { Phone } from './phone.ts';
import { vehicleWords } from './words.ts';

export function AtWork({ phone, onLeave }: { phone: Phone; onLeave: () => void }) {
  const words = vehicleWords({
    room: phone.room,
    problem: settingsProblem.value,
    broker: phone.broker.value,
    sessions: phone.sessions.value,
    silent: phone.silent.value,
    holder: phone.holder.value,
    replaced: phone.replaced.value,
  });
  return (
    <main class="vehicle at-work">
      <header>
        <h1>{phone.room}</h1>
        <button type="button" onClick={onLeave}>
          Leave
        </button>
      </header>
      <div class={`words ${words.tone}`} role="status">
        <h2 class={`${words.tone}-text`}>{words.title}</h2>
        <p>{words.detail}</p>
      </div>
      {phone.replaced.value ? (
        <button type="button" class="big" onClick={phone.takeOver}>
          Take it back
        </button>
      ) : null}
      <Failure phone={phone} />
      <IceWarnings />
      <Commands phone={phone} />
      <CameraView phone={phone} />
    </main>
  );
}

/** For tests it carries `data-verdict` (its code), `data-verdict-state` and `data-verdict-end`. */
function Failure({ phone: { failure } }: { phone: Phone }) {
  const { value } = failure;
  return (
    <div role="status">
      {value ? (
        <p
          class="failure careful-text"
          data-verdict={value.why.code}
          data-verdict-state={value.why.state}
          data-verdict-end={value.why.end}
        >
          {value.operator} could not connect. {inOneText(value.why)}
        </p>
      ) : null}
    </div>
  );
}

function Commands({ phone }: { phone: Phone }) {
  const { steer, throttle, brake, gear, safety } = phone.doing.value;
  if (phone.holder.value === null) return null;
  const percent = (value: number) => `${fixed(value * 100)} %`;
  const side = steer > 0 ? ' left' : steer < 0 ? ' right' : '';
  return (
    <section class="commands" aria-label="Commands">
      <p class={safety === 'driving' ? 'fine-text' : 'danger-text'}>
        {safety === 'driving' ? 'Told to' : 'Stopped: no command for half a second'}
      </p>
      <dl>
        <div>
          <dt>Steer</dt>
          <dd>
            {percent(Math.abs(steer))}
            {side}
          </dd>
        </div>
        <div>
          <dt>Throttle</dt>
          <dd>{percent(throttle)}</dd>
        </div>
        <div>
          <dt>Brake</dt>
          <dd>{percent(brake)}</dd>
        </div>
        <div>
          <dt>Gear</dt>
          <dd>{gear}</dd>
        </div>
      </dl>
    </section>
  );
}

function CameraView({ phone: { camera } }: { phone: Phone }) {
  const [preview, setPreview] = useState(true);
  const video = useRef<HTMLVideoElement>(null);
  const now = camera.state.value;
  const track = now.state === 'on' ? now.track : null;
  useEffect(() => {
    if (video.current) video.current.srcObject = track && preview ? new MediaStream([track]) : null;
  }, [track, preview]);
  return (
    <section class="camera" aria-label="Camera">
      <div class="view">
        <video
          ref={video}
          aria-label="What operators see"
          autoplay
          muted
          playsInline
          hidden={!track || !preview}
        />
        {track && !preview ? <p>Preview is off. Operators still see the camera.</p> : null}
        {now.state === 'asking' ? (
          <p role="status">Asking for the camera: allow it when the browser asks.</p>
        ) : null}
        {now.state === 'failed' ? (
          <p role="alert" class="danger-text">
            {now.problem}
          </p>
        ) : null}
      </div>
      <div class="row">
        {track ? (
          <>
            <button type="button" onClick={() => setPreview(!preview)}>
              {preview ? 'Hide preview' : 'Show preview'}
            </button>
            <button type="button" onClick={camera.flip}>
              Flip camera
            </button>
          </>
        ) : (
          <button type="button" disabled={now.state === 'asking'} onClick={() => camera.start('environment')}>
            Start camera
          </button>
        )}
      </div>
    </section>
  );
}
