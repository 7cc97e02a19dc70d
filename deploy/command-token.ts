/** `plntry token`: what a vehicle or a program logs in with. */
import { Command, Option } from 'commander';
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
    .addOption(dataOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addHelpText(
      'after',
      `
Run it on the server's machine, as its user: it needs the secret in the server's data folder.

Examples:
  plntry token car1 --role vehicle > car1.token     then on the car: plntry vehicle --room car1 --token-file car1.token
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
      const { text, id, until } = await orOptionError(() => issuer.token(sub, { role, rooms, forS }));
      process.stdout.write(`${text}\n`);
      process.stderr.write(
        `For ${sub}, as ${role} of ${rooms.join(', ')}, until ${momentOf(until)}. To end it before: ${revokeLine(id, flags.data)}\n`,
      );
    });
}
