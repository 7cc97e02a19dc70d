/** `plntry vehicle`: the agent of one vehicle, simulated unless told otherwise. */
import { Command } from 'commander';
import { BRAKE_MS, RELEASE_MS } from '../shared/safety.ts';
import type { IceServer } from '../shared/server-api.ts';
import { LATENCY_CEILING_MS, LATENCY_LIMIT_MS, MAX_SPEED } from '../shared/speed-limit.ts';
import { dataOption, tokenFileOption, tokenOf } from './access-options.ts';
import { clientCertificate, trustAuthorities } from './client-tls.ts';
import { dataFolder, estopFile, keyFiles } from './data-folder.ts';
import { addDriveLogOptions, type DriveLogFlags, driveLogOptions } from './drive-log-options.ts';
import { ICE_HELP, iceSetup } from './ice-options.ts';
import {
  iceServersOf,
  type LogLevel,
  logLevelOption,
  OptionError,
  option,
  parseCodec,
  parseFleetKey,
  parseName,
  parseRoom,
  parseRoot,
  urlOf,
  wholeNumber,
} from './options.ts';
import { addClientCertificateOptions, addTlsCaOption, type ClientTlsFlags } from './tls-options.ts';

export interface VehicleFlags extends DriveLogFlags, ClientTlsFlags {
  room: string;
  broker: string;
  root: string;
  name?: string;
  maxOperators: number;
  iceServers?: IceServer[];
  server?: string;
  /** Or `none`. */
  fleetKey?: string;
  tokenFile?: string;
  data?: string;
  fps: number;
  kbps: number;
  codec?: string;
  releaseAfter: number;
  brakeAfter: number;
  maxSpeed: number;
  latencyCeiling: number;
  logLevel: LogLevel;
}

/** What a parent process with a channel to this one is sent when the vehicle runs. */
export const READY = 'ready';

export function vehicleCommand(): Command {
  const command = new Command('vehicle')
    .description('Run a vehicle, simulated.')
    .addOption(
      option('--room <id>', 'room, which is named after its vehicle', parseRoom).makeOptionMandatory(),
    )
    .addOption(
      option('--broker <url>', 'MQTT broker', urlOf('--broker', ['mqtt', 'mqtts', 'ws', 'wss'])).default(
        'mqtt://127.0.0.1:1883',
      ),
    )
    .addOption(tokenFileOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addOption(option('--name <text>', 'what people call the vehicle', parseName))
    .addOption(
      option(
        '--max-operators <number>',
        'how many people may watch at the same time',
        wholeNumber(1, 64),
      ).default(4),
    )
    .addOption(
      option(
        '--ice-servers <json>',
        'STUN and TURN servers, a list of RTCIceServer, beside those below',
        iceServersOf('--ice-servers'),
      ),
    )
    .addOption(
      option(
        '--server <url>',
        'plntry server to ask for STUN and TURN servers instead, and for the key of its fleet',
        urlOf('--server', ['http', 'https']),
      ),
    )
    .addOption(
      option(
        '--fleet-key <key>',
        'public key of the fleet, whose operators alone are let in, or none; else as --server names it',
        parseFleetKey,
      ),
    )
    .addOption(option('--fps <number>', 'pictures per second', wholeNumber(1, 120)).default(30))
    .addOption(
      option('--kbps <number>', 'most video to each operator, kbit/s', wholeNumber(150, 100_000)).default(
        4000,
      ),
    )
    .addOption(
      option('--codec <name>', 'H.264 encoder, as FFmpeg calls it; libx264 unless given', parseCodec),
    )
    .addOption(
      option(
        '--release-after <ms>',
        'without a fresh command for so long the throttle is released',
        wholeNumber(40, 5_000),
      ).default(RELEASE_MS),
    )
    .addOption(
      option(
        '--brake-after <ms>',
        'without a fresh command for so long the vehicle brakes to a stop',
        wholeNumber(40, 5_000),
      ).default(BRAKE_MS),
    )
    .addOption(
      option('--max-speed <km/h>', 'how fast it lets itself be driven', wholeNumber(1, 300)).default(
        Math.round(MAX_SPEED * 3.6),
      ),
    )
    .addOption(
      option(
        '--latency-ceiling <ms>',
        `with picture and command later than this together it stops; from ${LATENCY_LIMIT_MS} on it is slower`,
        wholeNumber(LATENCY_LIMIT_MS, 10_000),
      ).default(LATENCY_CEILING_MS),
    )
    .addOption(dataOption('where its key, an emergency stop and the drive log are kept'))
    .addOption(logLevelOption());
  return addDriveLogOptions(addClientCertificateOptions(addTlsCaOption(command)))
    .addHelpText(
      'after',
      `
Examples:
  plntry vehicle --room car2                          at the broker of this machine
  plntry vehicle --room van-7 --name 'Van 7' --broker mqtts://broker.example.org \\
                 --server https://fleet.example.org

Exit status: 0 it was stopped; 1 something went wrong; 2 an option is wrong; 3 another agent has taken over its room;
4 the broker does not take its token.
${ICE_HELP}`,
    )
    .action(async (flags: VehicleFlags) => {
      const { releaseAfter: releaseMs, brakeAfter: brakeMs, maxSpeed, latencyCeiling: ceilingMs } = flags;
      const { room, broker, root, name, maxOperators, server, fps, kbps, codec } = flags;
      const options = { room, broker, root, name, maxOperators, server, fps, kbps, codec };
      if (brakeMs < releaseMs) {
        throw new OptionError("option '--brake-after' is shorter than '--release-after'.");
      }
      trustAuthorities(flags);
      const tls = clientCertificate(flags);
      const ice = iceSetup(flags.iceServers);
      if (ice.providers.length > 0 && flags.server) {
        throw new OptionError(
          "option '--server' hands out STUN and TURN servers; '--ice-servers' and variables for others can't be given with it.",
        );
      }
      const data = dataFolder(flags.data, process.env);
      const driveLog = driveLogOptions(flags, data);
      const files = keyFiles(data, room);
      const token = tokenOf(flags, process.env);
      const [
        { runVehicle, RefusedError, ReplacedError },
        { createIceServers },
        { systemClock },
        { createLog },
        { EXIT, runUntilStopped },
      ] = await Promise.all([
        import('../vehicle/agent.ts'),
        import('../broker/ice/ice-servers.ts'),
        import('../shared/clock.ts'),
        import('./log.ts'),
        import('./lifecycle.ts'),
      ]);
      const log = createLog(flags.room, flags.logLevel);
      const own = createIceServers(ice, systemClock, log);
      const askOwn = ice.providers.length > 0 ? { iceServers: () => own.iceServers(flags.room) } : {};
      await runUntilStopped(
        () =>
          runVehicle(
            {
              ...options,
              ...askOwn,
              token,
              tls,
              driveLog,
              estopFile: estopFile(data, room),
              keyFile: files.own,
              fleetKey: { key: flags.fleetKey === 'none' ? null : flags.fleetKey, file: files.fleet },
              times: { releaseMs, brakeMs },
              speed: { maxSpeed: maxSpeed / 3.6, ceilingMs },
            },
            log,
          ),
        log,
        () => process.send?.(READY),
        (error) => {
          if (error instanceof ReplacedError) return EXIT.replaced;
          return error instanceof RefusedError ? EXIT.refused : EXIT.failure;
        },
      );
    });
}
