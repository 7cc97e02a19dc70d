/** The logger of every process: for people on a terminal, JSON lines otherwise; on stderr either way. */
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { allPrintable, printableJson } from '../shared/printable.ts';
import type { LogLevel } from './options.ts';

/** Never in a log, down to four levels deep: SDP tells addresses, the others open doors. */
const SECRET_FIELDS = ['sdp', 'password', 'token', 'credential'];
const SECRET_PATHS = SECRET_FIELDS.flatMap((field) =>
  ['', '*.', '*.*.', '*.*.*.'].map((prefix) => prefix + field),
);

export interface LogTarget {
  /** For people instead of machines. */
  pretty: boolean;
  write(line: string): void;
}

const stderr: LogTarget = {
  pretty: process.stderr.isTTY === true,
  write: (line) => {
    process.stderr.write(line);
  },
};

/** @param name which part of the system logs, e.g. `server` */
export function createLog(name: string, level: LogLevel, target: LogTarget = stderr): Logger {
  const prettify = target.pretty ? prettifier() : printableJson;
  return pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: target.pretty ? {} : { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[secret]' },
    },
    { write: (line: string) => target.write(prettify(line)) },
  );
}

function prettifier(): (line: string) => string {
  const prettify = pretty.prettyFactory({
    colorize: process.stderr.isTTY === true && !process.env.NO_COLOR,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  // Before it is made pretty, which adds escape sequences of its own.
  return (line) => prettify(allPrintable(JSON.parse(line)));
}
