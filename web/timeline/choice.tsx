/** Which of the recordings is shown, and saving it. */
import { useId, useState } from 'preact/hooks';
import { timeOfDay } from '../format.ts';
import { fileName, fileText } from './file.ts';
import type { Recording } from './recording.ts';

interface ChoiceProps {
  recordings: readonly Recording[];
  shown: Recording;
  onShow(recording: Recording): void;
}

export function Choice({ recordings, shown, onShow }: ChoiceProps) {
  const [keepAddresses, setKeepAddresses] = useState(false);
  const help = useId();
  return (
    <div class="choice">
      <label>
        Session{' '}
        <select
          value={recordings.indexOf(shown)}
          onChange={(event) => {
            const chosen = recordings[Number(event.currentTarget.value)];
            if (chosen) onShow(chosen);
          }}
        >
          {recordings.map((recording, index) => (
            <option key={recording.startedAt} value={index}>
              {recording.room} at {timeOfDay(recording.startedAt)}
              {recording.session ? '' : ', none offered'}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={keepAddresses}
          aria-describedby={help}
          onChange={(event) => setKeepAddresses(event.currentTarget.checked)}
        />{' '}
        with IP addresses
      </label>
      <button type="button" onClick={() => save(shown, keepAddresses)}>
        Save as file
      </button>
      <span id={help} class="unseen">
        Passwords and keys are never in the file.
      </span>
    </div>
  );
}

function save(recording: Recording, keepAddresses: boolean): void {
  const blob = new Blob([fileText(recording, keepAddresses, Date.now())], { type: 'application/json' });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName(recording);
  link.click();
  URL.revokeObjectURL(url);
}
