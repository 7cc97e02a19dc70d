/** Asks what this device shall be called, when its address has no valid id. */
import { useId, useState } from 'preact/hooks';
import { idProblem, isId } from '../../shared/topics.ts';
import { navigate } from '../router.ts';
import { vehiclePath } from '../routes.ts';

const SUGGESTED = 'phone1';

export function ChooseId({ wanted }: { wanted: string }) {
  const [text, setText] = useState(wanted || SUGGESTED);
  const help = useId();
  const problem = idProblem(text);
  return (
    <main class="vehicle start">
      <h1>This device as a vehicle</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isId(text)) navigate(vehiclePath(text));
        }}
      >
        <label>
          What shall it be called in the fleet?
          <input
            type="text"
            value={text}
            maxLength={32}
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
            aria-describedby={help}
            aria-invalid={problem !== null}
            onInput={(event) => setText(event.currentTarget.value.trim().toLowerCase())}
          />
        </label>
        <p id={help} role="status" class={problem ? 'danger-text' : 'soft'}>
          {problem ?? 'a to z, 0 to 9 and -, up to 32 of them'}
        </p>
        <button type="submit" class="big" disabled={problem !== null}>
          Go on
        </button>
      </form>
      <a href="/">Back to the fleet</a>
    </main>
  );
}
