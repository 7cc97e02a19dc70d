/** `plntry acl`: the access rules for other brokers. */
import { Command, Option } from 'commander';
import { option, parseRoot } from './options.ts';

interface AclFlags {
  for: 'mosquitto' | 'emqx';
  monitor?: string[];
  server?: string;
  root: string;
}

export function aclCommand(): Command {
  return new Command('acl')
    .description('Print the access rules as another broker reads them.')
    .addOption(
      new Option('--for <broker>', 'which broker').choices(['mosquitto', 'emqx']).makeOptionMandatory(),
    )
    .addOption(new Option('--monitor <users...>', 'Mosquitto: user names that may read everything'))
    .addOption(new Option('--server <user>', 'Mosquitto: user name of plntry serve --broker'))
    .addOption(option('--root <topic>', 'MQTT topic root', parseRoot).default('rooms'))
    .addHelpText(
      'after',
      `
Examples:
  plntry acl --for mosquitto --monitor mon-1 --server plntry > /etc/mosquitto/plntry.acl
  plntry acl --for emqx >> /etc/emqx/emqx.conf`,
    )
    .action(async (flags: AclFlags) => {
      const { emqxConfig, mosquittoAcl } = await import('../broker/access/acl.ts');
      process.stdout.write(
        flags.for === 'emqx' ? emqxConfig() : mosquittoAcl(flags.root, flags.monitor ?? [], flags.server),
      );
    });
}
