/** `plntry revoke`: ends access before its time. */
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { Ended, Granted } from '../broker/access/register.ts';
import type { Grant } from '../broker/access/tokens.ts';
import { printable } from '../shared/printable.ts';
import { isId } from '../shared/topics.ts';
import { dataOption, momentOf } from './access-options.ts';
import { OptionError, option, parseRoot } from './options.ts';

interface RevokeFlags {
  peer?: string;
  all?: boolean;
  list?: boolean;
  mayReturn?: boolean;
  data?: string;
  root: string;
}

export function revokeCommand(): Command {
  return new Command('revoke')
    .description('End access at once, that of who is connected and of who drives too.')
    .argument('[what]', 'an id that invite, token or --list have printed, or the token or link itself')
    .addOption(new Option('--peer <id>', 'all tokens that this peer was given until now, e.g. car1'))
    .addOption(new Option('--all', 'all access that was given until now, to anyone'))
    .addOption(new Option('--list', 'show what has been given, and has neither expired nor been ended'))
    .addOption(
      new Option('--may-return', 'with the id of a person: what they have ends, and they may sign in again'),
    )
    .addOption(dataOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addHelpText(
      'after',
      `
Run it on the server's machine, as its user; the running server sees it at once.

--list shows for each invitation which sessions it was used for: a driver op-5f0c3a9d21-81c2e7aa has the session
op-5f0c3a9d21. What the server logs of a client that connects names its invitation, person or token as access.

Who signs in has an id that begins with oidc- and stays the same. Once it is ended it does not come in again by
signing in, until it is given once more with --may-return.`,
    )
    .action(async (what: string | undefined, flags: RevokeFlags) => {
      const ways = [what !== undefined, flags.peer !== undefined, flags.all === true, flags.list === true];
      if (ways.filter(Boolean).length !== 1)
        throw new OptionError('Say what to end: an id, a token or a link; or --peer <id>, --all, or --list.');
      if (flags.mayReturn && !what?.startsWith('oidc-'))
        throw new OptionError("option '--may-return' is for the id of a person, which begins with oidc-.");
      const [
        { folderOf, now, openGrants, orOptionError },
        { addEnded, readEnded, readGranted },
        { sumUp },
        { sessionOfPeer },
      ] = await Promise.all([
        import('./grants.ts'),
        import('../broker/access/register.ts'),
        import('../broker/access/endings.ts'),
        import('../shared/roles.ts'),
      ]);
      const folder = folderOf(flags.data);
      if (!existsSync(folder))
        throw new OptionError(`'${folder}' is no data folder of a server that has given access; see --data.`);
      if (flags.peer !== undefined && !isId(flags.peer))
        throw new OptionError(`'${flags.peer}' is not an id.`);
      const write = (text: string) => process.stdout.write(`${printable(text)}\n`);
      const entries = readEnded(folder);
      const ended = sumUp(entries);
      if (flags.list) {
        // Who signs in again and again is one person: the last time counts.
        const last = new Map(readGranted(folder).map((granted) => [granted.id, granted]));
        const live = [...last.values()].filter(
          (granted) => granted.kind !== 'session' && granted.until > now() && !ended.has(givenOf(granted)),
        );
        if (live.length === 0) write('Nobody has been given access.');
        for (const granted of live) write(rowOf(granted, ended.uses(granted.id)));
        return;
      }
      const said = await orOptionError(async () => {
        if (flags.all) {
          addEnded(folder, { before: now() });
          return 'Ended.';
        }
        if (flags.peer !== undefined) {
          const sub = sessionOfPeer(flags.peer);
          addEnded(folder, { sub, before: now() });
          if (isKnown(sub, readGranted(folder), entries)) return 'Ended.';
          return `Ended; nothing in '${folder}' was ever given to '${flags.peer}', and a certificate that names it is refused too.`;
        }
        const given = await find(what ?? '', folder, flags, { openGrants, readGranted });
        if (!flags.mayReturn && ended.has(given)) return 'That had ended already.';
        addEnded(folder, { id: given.id, ...(flags.mayReturn ? { before: now() } : {}) });
        return 'Ended.';
      });
      write(said);
    });
}

/** @param sessions those that an invitation was swapped for, by what the ids of their peers begin with */
function rowOf({ id, kind, role, rooms, sub, name, uses = 1, until }: Granted, sessions: readonly string[]) {
  const who = name === undefined ? (sub ?? '') : `${name} (${sub})`;
  const used = `used ${sessions.length} of ${uses}${sessions.some(Boolean) ? `: ${sessions.filter(Boolean).join(' ')}` : ''}`;
  const more = kind === 'invitation' ? used : who;
  return `${id}  until ${momentOf(until)}  ${kind}  ${role} of ${rooms.join(' ')}  ${more}`;
}

type Given = Pick<Grant, 'id' | 'from' | 'sub' | 'issued'>;

/** As the endings see it. A vehicle's invitation is for the vehicle, anybody else's for nobody yet. */
const givenOf = ({ id, role, rooms, sub, issued }: Granted): Given => ({
  id,
  from: [],
  sub: sub ?? (role === 'vehicle' ? (rooms[0] ?? '') : ''),
  issued,
});

/** Whether the register has heard of a peer, or of a session whose pages are peers. */
const isKnown = (peer: string, granted: Granted[], entries: Ended[]): boolean =>
  granted.some((one) => givenOf(one).sub === peer) ||
  entries.some((entry) => 'id' in entry && entry.used === true && entry.sub === peer);

/** @throws Error of one sentence when it is nothing that was ever given */
async function find(
  what: string,
  folder: string,
  { data, root }: RevokeFlags,
  use: {
    openGrants: typeof import('./grants.ts')['openGrants'];
    readGranted: typeof import('../broker/access/register.ts')['readGranted'];
  },
): Promise<Given> {
  const granted = use.readGranted(folder).find(({ id }) => id === what);
  // A person may sign in again after all else that ends what they have: only the id itself counts.
  if (granted?.kind === 'sign-in') return { ...givenOf(granted), issued: Number.POSITIVE_INFINITY };
  if (granted) return givenOf(granted);
  const text = what.split('#').at(-1) ?? '';
  const { tokens } = use.openGrants(data, root);
  for (const audience of ['invitation', 'mqtt', 'session'] as const) {
    const verdict = await tokens.verify(text, audience);
    if (verdict.ok) return verdict.grant;
    if (verdict.reason === 'the token has expired') throw new Error('That has expired already.');
  }
  throw new Error(
    "That is neither an id, nor a token or a link of this server; 'plntry revoke --list' shows what there is.",
  );
}
