/** Options of the vehicle's drive log, and where `plntry log` looks for it. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { VehicleOptions } from '../vehicle/agent.ts';
import { DEFAULT_BYTES } from '../vehicle/log/defaults.ts';
import { driveLogFolder } from './data-folder.ts';
import { option, variableOf } from './options.ts';
import { parseSize } from './usage-options.ts';

const DEFAULT_FOLDER = '~/.local/state/plntry/drive-log';
/** With less there would be nothing to look at, bytes. */
const LEAST_BYTES = 1e6;

export interface DriveLogFlags {
  /** False: there is none. */
  driveLog?: string | false;
  driveLogSize: number;
  driveLogVideo?: boolean;
}

export function addDriveLogOptions(command: Command): Command {
  return command
    .addOption(
      option('--drive-log <folder>', `where the drive log goes; ${DEFAULT_FOLDER} unless given`, parseFolder),
    )
    .addOption(new Option('--no-drive-log', 'keep no drive log').env(variableOf('--no-drive-log')))
    .addOption(
      option(
        '--drive-log-size <size>',
        'most of it for one vehicle; the oldest goes first',
        parseLogSize,
      ).default(DEFAULT_BYTES, `${DEFAULT_BYTES / 1e9}GB`),
    )
    .addOption(
      new Option('--drive-log-video', 'the video goes into it too').env(variableOf('--drive-log-video')),
    );
}

/** The folder of logs that are to be read. */
export const logFolderOption = (): Option =>
  new Option('--folder <folder>', `where the drive logs are; ${DEFAULT_FOLDER} unless given`)
    .env(variableOf('--drive-log'))
    .argParser(parseFolder);

/** @param data the data folder */
export function driveLogOptions(flags: DriveLogFlags, data: string): VehicleOptions['driveLog'] {
  if (flags.driveLog === false) return undefined;
  const folder = flags.driveLog ?? driveLogFolder(data);
  return { folder, bytes: flags.driveLogSize, video: flags.driveLogVideo };
}

function parseFolder(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('A folder has a name.');
}

function parseLogSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes >= LEAST_BYTES) return bytes;
  throw new InvalidArgumentError(`A drive log has at least ${LEAST_BYTES / 1e6}MB.`);
}
