/** A log that tests can read and wait for. */

export interface LogEntry {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: Record<string, unknown>;
}

export function recordLog() {
  const entries: LogEntry[] = [];
  const watchers = new Set<() => void>();
  const at = (level: LogEntry['level']) => (fields: object, message: string) => {
    entries.push({ level, message, fields: { ...fields } });
    for (const watcher of [...watchers]) watcher();
  };
  return {
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    entries,
    /** The first entry, of those made already too, that fits. */
    logged(fits: (entry: LogEntry) => boolean): Promise<LogEntry> {
      return new Promise((resolve) => {
        const check = () => {
          const found = entries.find(fits);
          if (!found) return;
          watchers.delete(check);
          resolve(found);
        };
        watchers.add(check);
        check();
      });
    },
  };
}
