/** `--lan`: open to the local network, with a certificate of its own and invitations. */
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { inUrl } from '../broker/addresses.ts';
import { findLocalNetwork, type LocalNetwork } from '../broker/local-network.ts';
import type { RunningServer, ServerOptions } from '../broker/serve.ts';
import { keepSelfMade, type SelfMade } from '../broker/tls/self-made.ts';
import type { Log } from '../shared/log.ts';
import { invitationLink } from './access-options.ts';
import { lanText, type Terminal } from './lan-text.ts';
import { OptionError, option } from './options.ts';
import type { Serving } from './serving.ts';

/** A machine that moves to another network gets another certificate after this, ms. */
const LOOK_MS = 5_000;
/** Of invitations: a day out with the car. */
const VALID_HOURS = 12;
/** The room of a phone that becomes the car. */
const PHONE_ROOM = 'phone1';

/** Resolves with the text of an invitation for one browser. @param forS how long access lasts, seconds */
export type Invite = (wanted: {
  rooms: string[];
  role: 'vehicle' | 'operator';
  forS: number;
}) => Promise<string>;

export interface LanFlags {
  /** An address, or true for the usual one. */
  lan?: string | true;
}

export function addLanOption(command: Command): Command {
  return command.addOption(
    option(
      '--lan [address]',
      'open to the local network: with access control, TLS, and invitations as QR codes',
      parseLan,
    ),
  );
}

function parseLan(text: string): string | true {
  if (/^(1|true|yes)$/i.test(text)) return true;
  if (isIP(text) !== 0) return text;
  throw new InvalidArgumentError('It is not an address of this machine; without one the usual one is taken.');
}

/** @throws OptionError for options that would open more, or something else */
export function checkLan(given: (name: string) => boolean): void {
  const problems: [string, string][] = [
    ['host', 'it chooses where it listens; name an address as --lan <address>'],
    ['mqttHost', 'MQTT without TLS stays on this machine'],
    ['broker', 'it opens the built-in broker'],
    ['insecure', 'it lets nobody in without a token'],
  ];
  for (const [name, why] of problems) {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (given(name)) throw new OptionError(`options '--lan' and '${flag}' don't go together: ${why}.`);
  }
}

export interface Lan {
  /** For the server, over those of other options. */
  options: Pick<ServerOptions, 'host' | 'mqttHost' | 'tls' | 'answersAt'>;
  /** Null where one was given that browsers know. */
  certificate: SelfMade | null;
  network: LocalNetwork;
  /** Looks for other addresses from now on, as long as the process runs. */
  follow(log: Log): void;
}

/**
 * @param folder where certificate and key are kept
 * @param own a certificate that is used instead
 * @throws Error of one sentence
 */
export async function setUpLan(lan: string | true, folder: string, own: ServerOptions['tls']): Promise<Lan> {
  const wanted = lan === true ? null : lan;
  let network = await findLocalNetwork(wanted);
  const kept = join(folder, 'lan');
  const certificate = own ? null : await keepSelfMade(kept, network.names);
  return {
    certificate,
    network,
    options: {
      // IPv4 alone unless an IPv6 address is asked for: what has both is reached by either.
      host: isIP(network.address) === 6 ? '::' : '0.0.0.0',
      mqttHost: '127.0.0.1',
      tls: certificate ? { ...certificate.files, hsts: false } : own,
      answersAt: network.answersAt,
    },
    follow(log) {
      const look = async () => {
        const now = await findLocalNetwork(wanted);
        const { isNew } = await keepSelfMade(kept, now.names);
        if (isNew)
          log.info({ names: now.names }, 'other addresses, or a new year: the certificate is made anew');
        if (now.address !== network.address) {
          log.warn(
            { before: network.address, now: now.address },
            'this machine has another address: old links lead nowhere',
          );
        }
        network = now;
      };
      // Between two networks there is none, and that is no reason to complain.
      setInterval(() => void look().catch(() => {}), LOOK_MS).unref();
    },
  };
}

/** An address of the server as others in the network write it. */
function inNetwork({ network }: Lan, url: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//${inUrl(network.address)}${port ? `:${port}` : ''}`;
}

/** Where people reach the pages. */
export const lanAddress = (
  lan: Lan,
  { publicUrl, webUrl }: Pick<RunningServer, 'webUrl' | 'publicUrl'>,
): string => (publicUrl === webUrl ? inNetwork(lan, webUrl) : publicUrl);

/** Makes the invitations, and says everything about them. */
async function lanBanner(
  lan: Lan,
  server: Pick<RunningServer, 'webUrl' | 'mqttsUrl' | 'publicUrl'>,
  invite: Invite,
  terminal: Terminal,
): Promise<string> {
  const { certificate } = lan;
  const base = lanAddress(lan, server);
  const forS = VALID_HOURS * 3_600;
  const [operator, vehicle] = await Promise.all([
    invite({ rooms: ['*'], role: 'operator', forS }),
    invite({ rooms: [PHONE_ROOM], role: 'vehicle', forS }),
  ]);
  return lanText(
    {
      invitations: [
        { label: 'Drive any vehicle: for an operator', link: invitationLink(base, operator) },
        { label: `Be the car: for a phone, ${PHONE_ROOM}`, link: invitationLink(base, vehicle) },
      ],
      certificate: certificate && { path: certificate.files.cert, fingerprint: certificate.fingerprint },
      mqttsUrl: inNetwork(lan, server.mqttsUrl ?? server.webUrl),
      webUrl: base,
      validHours: VALID_HOURS,
    },
    terminal,
  );
}

/** Says it, and keeps the certificate fitting from then on. */
export async function printLan(lan: Lan, server: Serving, log: Log): Promise<void> {
  lan.follow(log);
  const { own } = server;
  // Never without: serverOptions sees to that.
  if (!own) throw new Error('--lan needs access control.');
  const invite: Invite = async (wanted) => (await own.invitation({ ...wanted, uses: 1 })).text;
  process.stdout.write(await lanBanner(lan, server, invite, terminalOf(process.stdout)));
}

/** Null where what is printed goes into a file or another program. */
function terminalOf({ isTTY, columns, rows }: NodeJS.WriteStream): Terminal {
  return isTTY ? { columns, rows } : null;
}
