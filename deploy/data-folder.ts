/** Where what is kept goes when nobody says where: by the XDG Base Directory rules, or as systemd says. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Environment = Record<string, string | undefined>;

export function stateFolder({ STATE_DIRECTORY, XDG_STATE_HOME }: Environment): string {
  // systemd makes this one for the service, and lists several with colons between.
  if (STATE_DIRECTORY) return STATE_DIRECTORY.split(':', 1)[0] ?? STATE_DIRECTORY;
  return join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'plntry');
}

/** @param data as an option names it, if it does */
export const dataFolder = (data: string | undefined, environment: Environment): string =>
  data || environment.PLNTRY_DATA || stateFolder(environment);

/** Where a vehicle keeps an emergency stop until it is reset. */
export const estopFile = (folder: string, room: string): string => join(folder, 'estop', `${room}.json`);

/** Where a vehicle keeps its own key, and the one of its fleet. */
export const keyFiles = (folder: string, room: string): { own: string; fleet: string } => ({
  own: join(folder, 'keys', `${room}.key`),
  fleet: join(folder, 'keys', `${room}.fleet`),
});

/** Of the drive logs of all vehicles: beside what a server keeps. */
export const driveLogFolder = (folder: string): string => join(folder, 'drive-log');
