/** What is wrong with the ICE servers; nothing when nothing is. */
import { iceWarnings } from './settings.ts';

export function IceWarnings() {
  const warnings = iceWarnings.value;
  return (
    <div role="status" class="ice-warnings">
      {warnings.length > 0 ? (
        <ul aria-label="ICE servers" class="careful-text">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
