/** What a server process logs, read as it comes: JSON lines, and what Node says besides. */
import { eventually } from '../helpers/eventually.ts';

export interface LogLine {
  level: string;
  /** The message, and its reason if it has one: `MQTT client refused: it is no token`. */
  said: string;
  fields: Record<string, unknown>;
}

export interface ServerLog {
  take(text: string): void;
  /** Everything, as it was printed. The oldest is left out of it. */
  text(): string;
  /** How many lines there have been: a place to look from. */
  length(): number;
  /** Warnings and errors since a place, without sums of what has been said before. */
  warnings(since: number): LogLine[];
  /** The first line, of those that there have been too, that fits. */
  saying(wanted: RegExp, since?: number): Promise<LogLine>;
}

/** Of the text, what is kept to be shown, characters. */
const KEPT = 200_000;

export function createServerLog(): ServerLog {
  const watchers = new Set<() => void>();
  // Those of connections that come and go are too many to be kept; a line's place is kept with it.
  const kept: (LogLine & { place: number })[] = [];
  let count = 0;
  let text = '';
  let rest = '';

  function takeLine(line: string): void {
    if (!line.startsWith('{')) return;
    const { level, msg, time: _time, name: _name, ...fields } = JSON.parse(line);
    count += 1;
    const said = fields.reason === undefined ? msg : `${msg}: ${fields.reason}`;
    if (level !== 'info' || !msg.startsWith('MQTT client')) kept.push({ level, said, fields, place: count });
  }

  return {
    take(chunk) {
      text += chunk;
      // Now and then: it would be copied each time.
      if (text.length > 2 * KEPT) text = text.slice(-KEPT);
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(takeLine);
      for (const watcher of [...watchers]) watcher();
    },
    text: () => text,
    length: () => count,
    // How many more there were of what was said is no news.
    warnings: (since) =>
      kept.filter(({ level, fields, place }) => place > since && level !== 'info' && !('more' in fields)),
    saying: (wanted, since = 0) =>
      eventually(
        watchers,
        () => kept.find(({ said, place }) => place > since && wanted.test(said)),
        () => `the log does not say ${wanted}, but:\n${kept.map(({ said }) => said).join('\n')}`,
      ),
  };
}
