/** `plntry serve`: the web pages and the MQTT broker. */
import { Command, Option } from 'commander';
import { isLoopback } from '../broker/loopback.ts';
import type { ServerOptions } from '../broker/serve.ts';
import type { IceServer } from '../shared/server-api.ts';
import { type AccessFlags, accessOptions, addAccessOptions, publicUrlOption } from './access-options.ts';
import { trustAuthorities } from './client-tls.ts';
import { stateFolder } from './data-folder.ts';
import { ICE_HELP, iceSetup } from './ice-options.ts';
import { addLanOption, checkLan, type Lan, type LanFlags, printLan, setUpLan } from './lan.ts';
import { addLimitOptions, type LimitFlags, limitOptions } from './limit-options.ts';
import { addOidcOptions, type OidcFlags, oidcOptions } from './oidc-options.ts';
import {
  iceServersOf,
  type LogLevel,
  logLevelOption,
  OptionError,
  option,
  parseHost,
  parseName,
  parsePort,
  parseRoot,
  portVariable,
  urlOf,
} from './options.ts';
import {
  addTlsCaOption,
  addTlsOptions,
  type ClientTlsFlags,
  type TlsFlags,
  tlsOptions,
} from './tls-options.ts';
import { addUsageOptions, type UsageFlags, usageOptions } from './usage-options.ts';

export interface ServeFlags
  extends UsageFlags,
    AccessFlags,
    OidcFlags,
    LimitFlags,
    TlsFlags,
    ClientTlsFlags,
    LanFlags {
  host: string;
  port: number;
  mqttPort: number;
  root: string;
  broker?: string;
  brokerPageUrl?: string;
  iceServers?: IceServer[];
  name?: string;
  vehicleKeys?: string;
  publicUrl?: string;
  logLevel: LogLevel;
}

const MQTT_PROTOCOLS = ['mqtt', 'mqtts', 'ws', 'wss'];

/** Those of `serve`, which `start` has too. */
export function addServeOptions(command: Command): Command {
  command
    .addOption(option('--host <address>', 'address to listen on', parseHost).default('127.0.0.1'))
    .addOption(
      new Option('--port <number>', 'port of the pages and of MQTT over WebSocket; also read from PORT')
        .argParser(parsePort)
        .default(8080)
        .env(portVariable(process.env)),
    )
    .addOption(option('--mqtt-port <number>', 'port of MQTT over TCP', parsePort).default(1883))
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addOption(
      option(
        '--broker <url>',
        'use this MQTT broker instead of the built-in one',
        urlOf('--broker', MQTT_PROTOCOLS),
      ),
    )
    .addOption(
      option(
        '--broker-page-url <url>',
        'where pages reach that broker over WebSocket; needed unless --broker is a ws(s) URL',
        urlOf('--broker-page-url', ['ws', 'wss']),
      ),
    )
    .addOption(
      option(
        '--ice-servers <json>',
        'STUN and TURN servers, a list of RTCIceServer, beside those below',
        iceServersOf('--ice-servers'),
      ),
    )
    .addOption(option('--name <text>', 'what the fleet is called', parseName))
    .addOption(
      option(
        '--vehicle-keys <file>',
        'public keys of the vehicles, as JSON: {"car1": "what plntry key car1 prints"}',
        (path) => path,
      ),
    );
  command.addOption(publicUrlOption());
  addTlsCaOption(addTlsOptions(addLanOption(command)));
  return addLimitOptions(addUsageOptions(addOidcOptions(addAccessOptions(command)))).addOption(
    logLevelOption(),
  );
}

/** @throws OptionError when the options don't go together */
export function serverOptions(flags: ServeFlags): ServerOptions {
  const { host, port, mqttPort, root, name, vehicleKeys, iceServers, broker, brokerPageUrl } = flags;
  const tls = tlsOptions(flags);
  if (!broker)
    checkPorts({
      '--port': port,
      '--mqtt-port': mqttPort,
      ...(tls.tls || flags.lan ? { '--mqtts-port': flags.mqttsPort } : {}),
    });
  const external = externalBroker(broker, brokerPageUrl);
  const ice = iceSetup(iceServers);
  const beyond = flags.lan !== undefined || ![host, flags.mqttHost ?? host].every(isLoopback);
  const access = accessOptions(flags, beyond, flags.data, process.env);
  const signIn = oidcOptions(flags, { guarded: access !== undefined, beyond }, process.env);
  trustAuthorities(flags);
  const limits = limitOptions(flags);
  const usage = usageOptions(flags, process.env);
  const more = { ice, external, access, signIn, limits, ...tls, ...usage };
  return { host, port, mqttPort, root, name, vehicleKeys, ...more };
}

/** The options, and what `--lan` makes of them. @throws OptionError */
export async function serverSetup(
  flags: ServeFlags,
  command: Command,
): Promise<{ options: ServerOptions; lan: Lan | null }> {
  if (flags.lan === undefined) return { options: serverOptions(flags), lan: null };
  checkLan((name) => !['default', undefined].includes(command.getOptionValueSource(name)));
  const options = serverOptions(flags);
  try {
    const lan = await setUpLan(flags.lan, flags.data ?? stateFolder(process.env), options.tls);
    return { options: { ...options, ...lan.options }, lan };
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function checkPorts(ports: Record<string, number>): void {
  const taken = new Map<number, string>();
  for (const [name, port] of Object.entries(ports)) {
    const other = taken.get(port);
    if (other && port !== 0)
      throw new OptionError(`${other} and ${name} are both ${port}; they must differ.`);
    taken.set(port, name);
  }
}

function externalBroker(url: string | undefined, pageUrl: string | undefined): ServerOptions['external'] {
  if (url === undefined) {
    if (pageUrl === undefined) return undefined;
    throw new OptionError("option '--broker-page-url' needs '--broker' too.");
  }
  if (pageUrl !== undefined) return { url, pageUrl };
  const own = new URL(url);
  if (!own.protocol.startsWith('ws')) {
    throw new OptionError(
      "option '--broker' needs '--broker-page-url' too, since pages speak MQTT over WebSocket.",
    );
  }
  // Pages must not be told the server's own password.
  own.username = '';
  own.password = '';
  return { url, pageUrl: own.href };
}

export function serveCommand(): Command {
  const command = new Command('serve').description('Serve the pages and the MQTT broker.').addHelpText(
    'after',
    `
Examples:
  plntry serve                                    on this machine only
  plntry serve --host 0.0.0.0 --port 80           for everybody who has a token (plntry invite, plntry token)
  plntry serve --lan                              for this network: TLS, and invitations as QR codes
  plntry serve --host 0.0.0.0 --port 443 --tls-cert fullchain.pem --tls-key privkey.pem
  plntry serve --public-url https://fleet.example.org --trust-proxy loopback --access
  plntry serve --broker mqtt://broker:1883 --broker-page-url wss://broker/mqtt
  plntry serve --relay-budget 50GB --relay-budget-car 2GB,car1=5GB --relay-budget-action limit
  PLNTRY_STUN_URLS=stun:turn.example.org PLNTRY_TURN_URLS=turn:turn.example.org \\
  PLNTRY_TURN_SECRET_FILE=/run/secrets/turn plntry serve
  plntry serve --host 0.0.0.0 --public-url https://fleet.example.org \\
    --oidc-issuer https://id.example.org/realms/fleet --oidc-client-id plntry \\
    --oidc-map 'drivers=operator:car*,leads=supervisor:*'
${ICE_HELP}`,
  );
  return addServeOptions(command).action(async (flags: ServeFlags) => {
    const { options, lan } = await serverSetup(flags, command);
    const [{ startServing, printBanner }, { createLog }, { runUntilStopped }] = await Promise.all([
      import('./serving.ts'),
      import('./log.ts'),
      import('./lifecycle.ts'),
    ]);
    const log = createLog('server', flags.logLevel);
    await runUntilStopped(
      () => startServing(options, lan, log),
      log,
      (server) => void (lan ? printLan(lan, server, log) : printBanner(options, server, flags.root)),
    );
  });
}
