/** `plntry invite`: a link that lets a person in. */
import { Command, Option } from 'commander';
import { ROLES, type Role } from '../shared/roles.ts';
import {
  dataOption,
  forOption,
  invitationLink,
  momentOf,
  parseRoomPattern,
  publicUrlOption,
  revokeLine,
  roleOption,
} from './access-options.ts';
import { option, parseRoot, wholeNumber } from './options.ts';

interface InviteFlags {
  role: Role;
  for: number;
  uses: number;
  publicUrl?: string;
  data?: string;
  root: string;
}

/** Where links lead unless a server has said where it is. */
const LOCAL_SERVER = 'http://127.0.0.1:8080';
/** There is no page for a monitor: it is a program, with a token. */
const INVITED = ROLES.filter((role) => role !== 'monitor');

export function inviteCommand(): Command {
  return new Command('invite')
    .description('Print a link that lets a person in.')
    .argument('<room...>', 'rooms, or patterns such as van-* (in quotes)', (text, before: string[] = []) => [
      ...before,
      parseRoomPattern(text),
    ])
    .addOption(roleOption('operator', INVITED))
    .addOption(forOption('8h'))
    .addOption(
      new Option('--uses <number>', 'how many browsers may use the link')
        .argParser(wholeNumber(1, 1_000))
        .default(1),
    )
    .addOption(publicUrlOption())
    .addOption(dataOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addHelpText(
      'after',
      `
Run it on the server's machine, as its user: it needs the secret in the server's data folder. Links lead to where the
server that started last there says that it is, or to ${LOCAL_SERVER}.

Examples:
  plntry invite car1 --for 8h
  plntry invite 'van-*' car1 --role supervisor --for 30d
  plntry invite car7 --role vehicle               for a phone that is to be the car

An operator drives, a supervisor may also take the wheel from others. 'plntry revoke' ends access before its time.`,
    )
    .action(async (rooms: string[], flags: InviteFlags) => {
      const [{ openGrants, orOptionError }, { keptAddress }] = await Promise.all([
        import('./grants.ts'),
        import('./kept-address.ts'),
      ]);
      const { folder, issuer } = openGrants(flags.data, flags.root);
      const { role, uses, for: forS } = flags;
      const { text, id, until } = await orOptionError(() => issuer.invitation({ role, rooms, forS, uses }));
      const base = flags.publicUrl ?? keptAddress(folder) ?? LOCAL_SERVER;
      process.stdout.write(`${invitationLink(base, text)}\n`);
      const browsers = uses === 1 ? 'one browser' : `${uses} browsers`;
      process.stderr.write(
        `For ${browsers}, as ${role} of ${rooms.join(', ')}, until ${momentOf(until)}. To end it before: ${revokeLine(id, flags.data)}\n`,
      );
    });
}
