/** Starts the server for `serve` and `start`, and leaves word of it for other commands. */
import { accessFolder, secretExposed } from '../broker/access/secret.ts';
import { type RunningServer, type ServerOptions, startServer } from '../broker/serve.ts';
import type { Log } from '../shared/log.ts';
import { invitationLink } from './access-options.ts';
import { banner } from './banner.ts';
import { addressInNetwork, warnOfPlainText } from './beyond.ts';
import { keepAddress } from './kept-address.ts';
import { type Lan, lanAddress } from './lan.ts';
import { keepOwnAccess, type OwnAccess } from './own-access.ts';

export interface Serving extends RunningServer {
  /** Gives what is taken back when it closes; null when anybody may come in. */
  own: OwnAccess | null;
}

/** @throws Error of one sentence */
export async function startServing(options: ServerOptions, lan: Lan | null, log: Log): Promise<Serving> {
  warnOfPlainText(options, log);
  const kept = options.access && !options.access.secret ? accessFolder(options.access.data) : null;
  const exposed = kept && secretExposed(kept);
  if (exposed) log.warn({ folder: kept }, exposed);
  const server = await startServer(options, log);
  const { access } = server;
  if (!access || !options.access) return { ...server, own: null };
  const { data } = options.access;
  keepAddress(data, lan ? lanAddress(lan, server) : server.publicUrl, log);
  const own = keepOwnAccess(access, data, log);
  const close = () => {
    own.takeBack();
    return server.close();
  };
  return { ...server, own, close };
}

/** @param invitation the token of one, for who has just started it */
export async function printBanner(
  options: ServerOptions,
  server: RunningServer,
  root: string,
  invitation?: string,
): Promise<void> {
  const linkTo = (base: string) => (invitation === undefined ? base : invitationLink(base, invitation));
  const inNetwork = await addressInNetwork(options, server);
  const { mqttUrl, mqttsUrl, access, publicUrl } = server;
  const open = [publicUrl, ...(inNetwork === null ? [] : [inNetwork])].map(linkTo);
  process.stdout.write(banner({ open, mqttUrl, mqttsUrl, root, guarded: access !== null }));
}
