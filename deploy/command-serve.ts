/** `plntry serve`: the web pages and the MQTT broker. */
import { Command, Option } from 'commander';
import { isLoopback } from '../broker/loopback.ts';
import type { ServerOptions } from '../broker/serve.ts';
import type { IceServer } from '../shared/server-api.ts';
import { type AccessFlags, accessOptions, addAccessOptions, publicUrlOption } from './access-options.ts';
import { ICE_HELP, iceSetup } from './ice-options.ts';
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
import { addUsageOptions, type UsageFlags, usageOptions } from './usage-options.ts';

export interface ServeFlags extends UsageFlags, AccessFlags, OidcFlags {
  host: string;
  port: number;
  mqttPort: number;
  root: string;
  broker?: string;
  brokerPageUrl?: string;
  iceServers?: IceServer[];
  name?: string;
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
    .addOption(option('--name <text>', 'what the fleet is called', parseName));
  command.addOption(publicUrlOption());
  return addUsageOptions(addOidcOptions(addAccessOptions(command))).addOption(logLevelOption());
}

/** @throws OptionError when the options don't go together */
export function serverOptions(flags: ServeFlags): ServerOptions {
  const { host, port, mqttPort, root, name, iceServers, broker, brokerPageUrl } = flags;
  if (port === mqttPort && port !== 0 && !broker) {
    throw new OptionError(`--port and --mqtt-port are both ${port}; they must differ.`);
  }
  const external = externalBroker(broker, brokerPageUrl);
  const ice = iceSetup(iceServers);
  const beyond = !isLoopback(host);
  const access = accessOptions(flags, beyond, flags.data, process.env);
  const signIn = oidcOptions(flags, { guarded: access !== undefined, beyond }, process.env);
  const usage = usageOptions(flags, process.env);
  return { host, port, mqttPort, root, name, ice, external, access, signIn, ...usage };
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
    const options = serverOptions(flags);
    const [{ startServer }, { createLog }, { runUntilStopped }, { banner }] = await Promise.all([
      import('../broker/serve.ts'),
      import('./log.ts'),
      import('./lifecycle.ts'),
      import('./banner.ts'),
    ]);
    const log = createLog('server', flags.logLevel);
    await runUntilStopped(
      () => startServer(options, log),
      log,
      ({ webUrl, mqttUrl, access }) => {
        const address = flags.publicUrl ?? webUrl;
        const open = access ? { guarded: true } : {};
        process.stdout.write(banner({ webUrl: address, mqttUrl, root: flags.root, ...open }));
      },
    );
  });
}
