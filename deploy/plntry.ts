#!/usr/bin/env node
/** The command line of plntry. */
import { readFileSync } from 'node:fs';
import { CommanderError, program } from 'commander';
import { printable } from '../shared/printable.ts';
import { aclCommand } from './command-acl.ts';
import { doctorCommand } from './command-doctor.ts';
import { estopCommand } from './command-estop.ts';
import { inviteCommand } from './command-invite.ts';
import { keyCommand } from './command-key.ts';
import { logCommand } from './command-log.ts';
import { revokeCommand } from './command-revoke.ts';
import { serveCommand } from './command-serve.ts';
import { startCommand } from './command-start.ts';
import { tokenCommand } from './command-token.ts';
import { vehicleCommand } from './command-vehicle.ts';
import { EXIT, endWithReaders } from './lifecycle.ts';
import { OptionError, withoutEmptyVariables } from './options.ts';
import { readSecretFiles } from './secret-files.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

endWithReaders();
withoutEmptyVariables(process.env);
const problem = readSecretFiles(process.env);
program
  .name('plntry')
  .description('Drive a vehicle from a browser: MQTT signalling, WebRTC video, control and telemetry.')
  .version(version)
  .addHelpText(
    'after',
    `
Every option is also read from the environment, as PLNTRY_ and its name: PLNTRY_MQTT_PORT=1884.
What is given on the command line goes first. 'plntry help start' tells the options of start.`,
  )
  // Not before: who asks for help gets it.
  .hook('preAction', () => {
    if (problem) throw new OptionError(problem);
  });
for (const command of [
  startCommand(),
  serveCommand(),
  vehicleCommand(),
  doctorCommand(),
  estopCommand(),
  keyCommand(),
  logCommand(),
  inviteCommand(),
  tokenCommand(),
  revokeCommand(),
  aclCommand(),
])
  program.addCommand(command);
for (const command of [program, ...program.commands]) command.exitOverride().showHelpAfterError(false);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  if (!(error instanceof OptionError)) throw error;
  process.stderr.write(`error: ${printable(error.message)}\n`);
  process.exit(EXIT.usage);
}
