/** `plntry start`: the server and one simulated vehicle, to try everything on one machine. */
import { Command } from 'commander';
import { addServeOptions, type ServeFlags, serverSetup } from './command-serve.ts';
import { ICE_HELP } from './ice-options.ts';
import { printLan } from './lan.ts';

const ROOM = 'car1';
/** The addresses are printed when the vehicle is there, but not later than this, ms. */
const VEHICLE_WAIT_MS = 5_000;
/** How long access lasts that is given at the start, unless the server stops before, seconds. */
const VEHICLE_ACCESS_S = 365 * 86_400;
const OPERATOR_ACCESS_S = 8 * 3_600;

export function startCommand(): Command {
  const command = new Command('start')
    .description(`Serve, with one simulated vehicle '${ROOM}'.`)
    .addHelpText(
      'after',
      `
Examples:
  plntry start
  plntry start --port 9000 --mqtt-port 9001
  plntry start --lan                              for this network, with a phone as the car too
${ICE_HELP}`,
    );
  return addServeOptions(command).action(async (flags: ServeFlags) => {
    const { options, lan } = await serverSetup(flags, command);
    const [
      { startServing, printBanner },
      { createLog },
      { runUntilStopped, within },
      { startVehicleProcess },
    ] = await Promise.all([
      import('./serving.ts'),
      import('./log.ts'),
      import('./lifecycle.ts'),
      import('./vehicle-process.ts'),
    ]);
    const log = createLog('server', flags.logLevel);
    const start = async () => {
      const server = await startServing(options, lan, log);
      const args = ['--root', flags.root, '--log-level', flags.logLevel];
      args.push('--broker', flags.broker ?? server.mqttUrl, '--server', server.webUrl);
      // They belong together: what this vehicle has kept of another server does not count.
      if (!process.env.PLNTRY_FLEET_KEY) args.push('--fleet-key', server.fleetKey ?? 'none');
      // Its own certificate is what a server on loopback can be trusted by.
      if (options.tls) args.push('--tls-ca', options.tls.cert);
      const given = { role: 'vehicle' as const, rooms: [ROOM], forS: VEHICLE_ACCESS_S };
      const token = (await server.own?.token(ROOM, given))?.text;
      const vehicle = startVehicleProcess(ROOM, args, log, { data: flags.data, token });
      return {
        ...server,
        ready: vehicle.ready,
        async close() {
          // First, so that its goodbye still finds the broker.
          await vehicle.close();
          await server.close();
        },
      };
    };
    await runUntilStopped(start, log, async (server) => {
      await within(VEHICLE_WAIT_MS, server.ready);
      if (lan) return printLan(lan, server, log);
      const invited = { role: 'operator' as const, rooms: [ROOM], forS: OPERATOR_ACCESS_S, uses: 1 };
      const invitation = await server.own?.invitation(invited);
      await printBanner(options, server, flags.root, invitation?.text);
    });
  });
}
