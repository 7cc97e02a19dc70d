/** Starts the server for `serve` and `start`, and leaves word of it for other commands. */
import { type RunningServer, type ServerOptions, startServer } from '../broker/serve.ts';
import type { Log } from '../shared/log.ts';
import { keepAddress } from './kept-address.ts';
import { type Lan, lanAddress } from './lan.ts';

/** @throws Error of one sentence */
export async function startServing(
  options: ServerOptions,
  lan: Lan | null,
  log: Log,
): Promise<RunningServer> {
  const server = await startServer(options, log);
  if (options.access) keepAddress(options.access.data, lan ? lanAddress(lan, server) : server.publicUrl, log);
  return server;
}
