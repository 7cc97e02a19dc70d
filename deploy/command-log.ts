/** `plntry log`: what the drive logs say, as text. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { isTopicName, TOPICS } from '../vehicle/log/topics.ts';
import { dataFolder, driveLogFolder } from './data-folder.ts';
import { logFolderOption } from './drive-log-options.ts';

/** Seconds from the first message, or ms since the epoch. */
export type Moment = { seconds: number } | { at: number };

export interface LogFlags {
  topic?: string[];
  from?: Moment;
  to?: Moment;
  json?: boolean;
  folder?: string;
}

export function logCommand(): Command {
  return new Command('log')
    .description('Print a drive log as text, or list those that there are.')
    .argument('[log]', 'a file, or a room for its newest; without it all are listed')
    .addOption(
      new Option('--topic <name>', 'only what is on this topic; can be given again').argParser(collectTopics),
    )
    .addOption(
      new Option('--from <time>', 'only from then on: seconds from its start, or a time').argParser(
        parseMoment,
      ),
    )
    .addOption(new Option('--to <time>', 'only until then').argParser(parseMoment))
    .addOption(new Option('--json', 'a JSON object for each line'))
    .addOption(logFolderOption())
    .addHelpText(
      'after',
      `
Topics: ${TOPICS.map(({ name }) => name).join(' ')}

Examples:
  plntry log
  plntry log car1 --topic /safety --topic /command/applied
  plntry log 2026-11-26T10-35-34.123Z.mcap --from 30 --to 45.5
  plntry log car1 --json --from 2026-11-26T10:40:00Z`,
    )
    .action(async (log: string | undefined, flags: LogFlags) => {
      const { listLogs, printLog } = await import('./log-print.ts');
      const folder = flags.folder ?? driveLogFolder(dataFolder(undefined, process.env));
      if (log === undefined) await listLogs(folder, flags.json === true);
      else await printLog(log, folder, flags);
    });
}

function collectTopics(name: string, before: string[] | undefined): string[] {
  if (isTopicName(name)) return [...(before ?? []), name];
  throw new InvalidArgumentError(`There are ${TOPICS.map((topic) => topic.name).join(' ')}.`);
}

/** `30`, `45.5`, or a time of ISO 8601 with its zone. */
export function parseMoment(text: string): Moment {
  if (/^\d+(\.\d+)?$/.test(text)) return { seconds: Number(text) };
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return { at };
  throw new InvalidArgumentError('It is neither seconds nor a time such as 2026-11-26T10:40:00Z.');
}
