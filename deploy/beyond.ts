/** What is to be said of a server that others can reach: that it is overheard, and where it is for them. */
import { isIP } from 'node:net';
import { inUrl } from '../broker/addresses.ts';
import { findLocalNetwork } from '../broker/local-network.ts';
import { isLoopback } from '../broker/loopback.ts';
import type { RunningServer, ServerOptions } from '../broker/serve.ts';
import type { Log } from '../shared/log.ts';

/** Addresses that stand for all of the machine. */
const EVERYWHERE = ['0.0.0.0', '::'];

/** Not where there are no secrets to overhear, nor where a proxy is known to stand in front. */
export function warnOfPlainText(options: ServerOptions, log: Log): void {
  const { host = '127.0.0.1', mqttHost = host, tls, trustProxy, access } = options;
  if (!access || tls || trustProxy !== undefined || [host, mqttHost].every(isLoopback)) return;
  log.warn(
    { host },
    'tokens, invitations and cookies go over the network in plain text: give --tls-cert and --tls-key, or --trust-proxy where a proxy in front speaks TLS',
  );
}

/** The pages' address for others in the local network, where they are everywhere and nobody has named one; else null. */
export async function addressInNetwork(
  { host = '127.0.0.1', publicUrl }: ServerOptions,
  { webUrl }: Pick<RunningServer, 'webUrl'>,
): Promise<string | null> {
  if (publicUrl !== undefined || !EVERYWHERE.includes(host)) return null;
  const network = await findLocalNetwork(null).catch(() => null);
  if (network === null || (isIP(network.address) === 6 && host !== '::')) return null;
  const { protocol, port } = new URL(webUrl);
  return `${protocol}//${inUrl(network.address)}${port ? `:${port}` : ''}`;
}
