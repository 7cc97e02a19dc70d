/** `plntry key`: the public key of a vehicle of this machine. */
import { Command, Option } from 'commander';
import { dataOption } from './access-options.ts';
import { dataFolder, keyFiles } from './data-folder.ts';
import { parseRoom } from './options.ts';

export function keyCommand(): Command {
  return new Command('key')
    .description('Print the public key of a vehicle that has run on this machine.')
    .argument('<room>', 'the vehicle', parseRoom)
    .addOption(new Option('--fingerprint', 'print what a console shows of it instead, for people to compare'))
    .addOption(dataOption('the data folder of the vehicle'))
    .addHelpText(
      'after',
      `
Exit status: 0; 1 when there is none yet, or it can't be read.

Example: have every console know car1 from the start
  echo "{\\"car1\\": \\"$(plntry key car1)\\"}" > vehicle-keys.json
  plntry serve --vehicle-keys vehicle-keys.json`,
    )
    .action(async (room: string, { fingerprint, data }: { fingerprint?: true; data?: string }) => {
      const [{ readKey }, { fingerprintOf, publicKeyOf }, { EXIT }] = await Promise.all([
        import('../vehicle/own-key.ts'),
        import('../shared/signature.ts'),
        import('./lifecycle.ts'),
      ]);
      const { own } = keyFiles(dataFolder(data, process.env), room);
      try {
        const secretKey = readKey(own);
        if (secretKey === null)
          throw new Error(`${room} has no key in ${own}; it makes one at its first start.`);
        const publicKey = publicKeyOf(secretKey);
        process.stdout.write(`${fingerprint ? fingerprintOf(publicKey) : publicKey}\n`);
      } catch (error) {
        process.stderr.write(`plntry: ${(error as Error).message}\n`);
        process.exitCode = EXIT.failure;
      }
    });
}
