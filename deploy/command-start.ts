/** `plntry start`: the server and one simulated vehicle, to try everything on one machine. */
import { Command } from 'commander';
import { addServeOptions, type ServeFlags, serverOptions } from './command-serve.ts';
import { ICE_HELP } from './ice-options.ts';

const ROOM = 'car1';
/** The addresses are printed when the vehicle is there, but not later than this, ms. */
const VEHICLE_WAIT_MS = 5_000;

export function startCommand(): Command {
  const command = new Command('start')
    .description(`Serve, with one simulated vehicle '${ROOM}'.`)
    .addHelpText(
      'after',
      `
Examples:
  plntry start
  plntry start --port 9000 --mqtt-port 9001
${ICE_HELP}`,
    );
  return addServeOptions(command).action(async (flags: ServeFlags) => {
    const options = serverOptions(flags);
    const [{ startServer }, { createLog }, { runUntilStopped, within }, { banner }, { startVehicleProcess }] =
      await Promise.all([
        import('../broker/serve.ts'),
        import('./log.ts'),
        import('./lifecycle.ts'),
        import('./banner.ts'),
        import('./vehicle-process.ts'),
      ]);
    const log = createLog('server', flags.logLevel);
    const start = async () => {
      const server = await startServer(options, log);
      const args = ['--room', ROOM, '--root', flags.root, '--log-level', flags.logLevel];
      args.push('--broker', flags.broker ?? server.mqttUrl, '--server', server.webUrl);
      // They belong together: what this vehicle has kept of another server does not count.
      if (!process.env.PLNTRY_FLEET_KEY) args.push('--fleet-key', server.fleetKey ?? 'none');
      const vehicle = startVehicleProcess(args, log, flags.data);
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
    await runUntilStopped(start, log, async ({ webUrl, mqttUrl, ready }) => {
      await within(VEHICLE_WAIT_MS, ready);
      process.stdout.write(banner({ webUrl, mqttUrl, root: flags.root }));
    });
  });
}
