/** What each end has of addresses and servers, side by side, and what comes of it. */
import { inOneText } from '../../../shared/verdict/words.ts';
import { iceWarnings } from '../../settings.ts';
import type { Cockpit } from '../cockpit.ts';
import { type Cell, reportRows } from './report-rows.ts';

export function Reports({ cockpit: { room, path } }: { cockpit: Cockpit }) {
  const reports = room.view.value?.reports;
  if (!reports?.session) return null;
  const { here, there } = reports;
  // This page's own warnings stand above.
  const notes = [...new Set([...(here?.notes ?? []), ...(there?.notes ?? [])])].filter(
    (note) => !iceWarnings.value.includes(note),
  );
  return (
    <>
      {path.value ? <p class="verdict">{inOneText(path.value)}</p> : null}
      <table class="reports">
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">Of the network</span>
            </th>
            <th scope="col">This browser</th>
            <th scope="col">The car</th>
          </tr>
        </thead>
        <tbody>
          {reportRows(here, there).map(({ name, kind, here, there }) => (
            <tr key={`${name} ${kind}`}>
              <th scope="row">
                {name}
                {kind ? <small class="soft">{kind}</small> : null}
              </th>
              <Shown cell={here} />
              <Shown cell={there} />
            </tr>
          ))}
        </tbody>
      </table>
      {notes.map((note) => (
        <p key={note} class="careful-text">
          {note}
        </p>
      ))}
    </>
  );
}

const Shown = ({ cell: { text, tone, hint } }: { cell: Cell }) => (
  <td class={`${tone}-text`} title={hint}>
    {text}
  </td>
);
