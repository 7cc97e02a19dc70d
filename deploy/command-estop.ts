/** `plntry estop`: stops a vehicle at once, from a terminal. */
import { Command } from 'commander';
import { printable } from '../shared/printable.ts';
import { tokenFileOption, tokenOf } from './access-options.ts';
import { clientCertificate, trustAuthorities } from './client-tls.ts';
import { option, parseReason, parseRoom, parseRoot, urlOf } from './options.ts';
import { addClientCertificateOptions, addTlsCaOption, type ClientTlsFlags } from './tls-options.ts';

interface EstopFlags extends ClientTlsFlags {
  broker: string;
  root: string;
  tokenFile?: string;
  reason?: string;
}

/** A vehicle that has not said by then that it has stopped is taken for one that has not heard, ms. */
const LIMIT_MS = 3_000;

export function estopCommand(): Command {
  const command = new Command('estop')
    .description('Stop a vehicle at once; it stays stopped until somebody resets it at its console.')
    .argument('<room>', 'the vehicle', parseRoom)
    .addOption(
      option('--broker <url>', 'MQTT broker', urlOf('--broker', ['mqtt', 'mqtts', 'ws', 'wss'])).default(
        'mqtt://127.0.0.1:1883',
      ),
    )
    .addOption(tokenFileOption())
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addOption(option('--reason <text>', 'why, for whoever drives', parseReason));
  return addClientCertificateOptions(addTlsCaOption(command))
    .addHelpText(
      'after',
      `
Exit status: 0 the vehicle says that it has stopped; 1 it has not said so within ${LIMIT_MS / 1_000} s.

The same without plntry, where nobody waits for an answer:
  mosquitto_pub -h broker.example.org -t rooms/car1/estop -m 'people on the road'`,
    )
    .action(async (room: string, flags: EstopFlags) => {
      const { broker, root, reason } = flags;
      const token = tokenOf(flags, process.env);
      trustAuthorities(flags);
      const tls = clientCertificate(flags);
      const [{ estop }, { EXIT }] = await Promise.all([import('./estop.ts'), import('./lifecycle.ts')]);
      const outcome = await estop({ broker, tls, root, room, reason, token, limitMs: LIMIT_MS });
      (outcome.stopped ? process.stdout : process.stderr).write(`${printable(outcome.text)}\n`);
      process.exit(outcome.stopped ? EXIT.ok : EXIT.failure);
    });
}
