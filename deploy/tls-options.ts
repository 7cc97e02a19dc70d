/** Options for TLS and for what stands between a server and its people. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { parseTrust, type Trust } from '../broker/forwarded.ts';
import type { ServerOptions } from '../broker/serve.ts';
import { OptionError, option, parseHost, parsePort } from './options.ts';

export interface TlsFlags {
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  mqttsPort: number;
  mqttHost?: string;
  publicUrl?: string;
  allowOrigin?: string[];
  trustProxy?: Trust;
}

export function addTlsOptions(command: Command): Command {
  return command
    .addOption(path('--tls-cert <file>', 'certificate for https and MQTT over TLS, with its chain (PEM)'))
    .addOption(path('--tls-key <file>', 'its private key (PEM)'))
    .addOption(path('--tls-client-ca <file>', 'authorities whose certificates name vehicles over MQTT (PEM)'))
    .addOption(option('--mqtts-port <number>', 'port of MQTT over TLS', parsePort).default(8883))
    .addOption(
      option(
        '--mqtt-host <address>',
        'address for MQTT over TCP without TLS; that of --host, or 127.0.0.1 with --tls-cert',
        parseHost,
      ),
    )
    .addOption(
      option(
        '--allow-origin <origin>',
        'pages of this origin may use it too; can be given several times',
        collectOrigins,
      ),
    )
    .addOption(
      option(
        '--trust-proxy <hops>',
        'believe X-Forwarded-For and -Proto of so many proxies in a row, or of addresses, e.g. loopback,10.0.0.0/8',
        parseTrustProxy,
      ),
    );
}

/** @throws OptionError when the options don't go together */
export function tlsOptions(flags: TlsFlags): Partial<ServerOptions> {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa } = flags;
  if (cert === undefined || key === undefined) {
    if (cert !== undefined) throw new OptionError("option '--tls-cert' needs '--tls-key' too.");
    if (key !== undefined) throw new OptionError("option '--tls-key' needs '--tls-cert' too.");
    if (clientCa !== undefined) throw new OptionError("option '--tls-client-ca' needs '--tls-cert' too.");
  }
  const { mqttsPort, mqttHost, publicUrl, allowOrigin: allowOrigins, trustProxy } = flags;
  const tls = cert !== undefined && key !== undefined ? { cert, key, clientCa } : undefined;
  return { tls, mqttsPort, mqttHost, publicUrl, allowOrigins, trustProxy };
}

/** What a client needs to trust a server, and to be known by it. */
export interface ClientTlsFlags {
  tlsCa?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
}

export function addTlsCaOption(command: Command): Command {
  return command.addOption(
    path('--tls-ca <file>', 'authorities to trust for brokers and servers, beside the usual ones (PEM)'),
  );
}

export function addClientCertificateOptions(command: Command): Command {
  return command
    .addOption(path('--tls-client-cert <file>', 'certificate to show to the broker (PEM)'))
    .addOption(path('--tls-client-key <file>', 'its private key (PEM)'));
}

const path = (usage: string, description: string): Option =>
  option(usage, description, (text) => {
    if (text !== '') return text;
    throw new InvalidArgumentError('It is empty.');
  });

function collectOrigins(text: string, before: string[] = []): string[] {
  const origins = text.split(',').map((one) => {
    const url = URL.canParse(one.trim()) ? new URL(one.trim()) : null;
    if (url && url.origin !== 'null' && url.href === `${url.origin}/`) return url.origin;
    throw new InvalidArgumentError(`'${one.trim()}' is not an origin such as https://fleet.example.org.`);
  });
  return [...before, ...origins];
}

function parseTrustProxy(text: string): Trust {
  try {
    return parseTrust(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
