/** `plntry token`: what a vehicle or a program logs in with. */
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { Issued } from '../broker/access/issue.ts';
import type { Role } from '../shared/roles.ts';
import {
  dataOption,
  forOption,
  momentOf,
  parseRoomPattern,
  revokeLine,
  roleOption,
} from './access-options.ts';
import { OptionError, option, parseRoot } from './options.ts';

interface TokenFlags {
  role: Role;
  for: number;
  rooms?: string[];
  out?: string;
  data?: string;
  root: string;
}

export function tokenCommand(): Command {
  return new Command('token')
    .description('Print a token for a vehicle or a program: its MQTT password.')
    .argument('<id>', 'its peer id: car1 for a vehicle, op-…, sv-… or mon-… for the others')
    .addOption(roleOption('vehicle'))
    .addOption(
      new Option(
        '--rooms <rooms...>',
        'rooms and patterns; unless given, of a vehicle its own and of a monitor all',
      ).argParser((text, before: string[] = []) => [...before, parseRoomPattern(text)]),
    )
    .addOption(forOption('365d'))
    .addOption(
      new Option('--out <file>', 'write it into this new file, for its user alone, and print nothing'),
    )
    .addOption(dataOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addHelpText(
      'after',
      `
Run it on the server's machine, as its user: it needs the secret in the server's data folder.

Examples:
  plntry token car1 --role vehicle --out car1.token
                       then on the car: plntry vehicle --room car1 --token-file car1.token
  plntry token op-dispatch --role operator --rooms 'van-*' --for 30d
  mosquitto_sub -i mon-1 -u mon-1 -P "$(plntry token mon-1 --role monitor --rooms '*')" -t 'rooms/#' -v

The user name is of no account. A monitor reads everything in its rooms, and $SYS, and writes nothing.`,
    )
    .action(async (sub: string, flags: TokenFlags) => {
      const { role, for: forS } = flags;
      const rooms = flags.rooms ?? (role === 'vehicle' ? [sub] : role === 'monitor' ? ['*'] : null);
      if (rooms === null) throw new OptionError(`option '--rooms' is missing: which rooms is '${sub}' for?`);
      const { openGrants, orOptionError } = await import('./grants.ts');
      const { issuer } = openGrants(flags.data, flags.root);
      const issue = () => orOptionError(() => issuer.token(sub, { role, rooms, forS }));
      const { text, id, until } = await (flags.out === undefined ? issue() : intoFile(flags.out, issue));
      if (flags.out === undefined) process.stdout.write(`${text}\n`);
      process.stderr.write(
        `For ${sub}, as ${role} of ${rooms.join(', ')}, until ${momentOf(until)}. To end it before: ${revokeLine(id, flags.data)}\n`,
      );
    });
}

/** Makes the file first, so that no token is given that could not be written. @throws OptionError */
async function intoFile(path: string, issue: () => Promise<Issued>): Promise<Issued> {
  const fail = (error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already, and is not overwritten' : `can't be written (${code})`;
    return new OptionError(`option '--out': the file '${path}' ${why}.`);
  };
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    throw fail(error);
  }
  try {
    const issued = await issue();
    writeFileSync(file, `${issued.text}\n`);
    return issued;
  } catch (error) {
    rmSync(path, { force: true });
    throw error instanceof OptionError ? error : fail(error);
  } finally {
    closeSync(file);
  }
}
