/** What the commands of access control say and write. */
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '../helpers/folder.ts';
import { connectMqtt } from '../helpers/mqtt-clients.ts';
import { run, serve } from './access-cli.ts';

test('revoke says what it has ended, and what not', async () => {
  const data = testFolder();
  const issued = await run(['token', 'car1', '--data', data]);
  const [, id = ''] = /plntry revoke (\S+)/.exec(issued.stderr) ?? [];
  const { stdout: link } = await run(['invite', 'phone1', '--role', 'vehicle', '--data', data]);
  const revoke = async (...args: string[]) => {
    const { status, stdout } = await run(['revoke', ...args, '--data', data]);
    expect(status).toBe(0);
    return stdout;
  };
  expect(await revoke('--peer', 'nosuch')).toBe(
    `Ended; nothing in '${join(data, 'access')}' was ever given to 'nosuch', and a certificate that names it is refused too.`,
  );
  expect(await revoke(id)).toBe('Ended.');
  for (const again of [id, issued.stdout]) expect(await revoke(again)).toBe('That had ended already.');
  for (const peer of ['car1', 'phone1']) expect(await revoke('--peer', peer)).toBe('Ended.');
  expect(await revoke(link)).toBe('That had ended already.');
  expect(await revoke('--list')).toBe('Nobody has been given access.');
});

test('help says whom there is an invitation for, and which rooms a token has that names none', async () => {
  const help = async (command: string) => (await run([command, '--help'])).stdout.replaceAll(/\s+/g, ' ');
  expect(await help('invite')).toContain(
    '(choices: "vehicle", "operator", "supervisor", default: "operator")',
  );
  expect(await help('token')).toContain('unless given, of a vehicle its own and of a monitor all');
});

test('a token is written into a new file for its user alone, and nothing is overwritten', async () => {
  const data = testFolder();
  const { url } = await serve(data);
  const out = join(testFolder(), 'car1.token');
  const issue = (...args: string[]) => run(['token', 'car1', '--out', out, '--data', data, ...args]);
  expect(await issue('--rooms', 'car2')).toMatchObject({ status: 2 });
  expect(existsSync(out)).toBe(false);
  const { status, stdout, stderr } = await issue();
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toMatch(/^For car1, as vehicle of car1, until .* plntry revoke \S+ --data \S+$/);
  expect(statSync(out).mode & 0o777).toBe(0o600);
  const password = readFileSync(out, 'utf8').trim();
  await connectMqtt(url, { clientId: 'car1', username: 'car1', password });
  expect(await issue()).toEqual({
    status: 2,
    stdout: '',
    stderr: `error: option '--out': the file '${out}' is there already, and is not overwritten.`,
  });
  expect(readFileSync(out, 'utf8').trim()).toBe(password);
  expect((await run(['revoke', '--list', '--data', data])).stdout.split('\n')).toHaveLength(1);
});

test('an invitation leads to the server that runs on the data folder, unless told otherwise', async () => {
  const data = testFolder();
  const invite = async (...args: string[]) =>
    new URL((await run(['invite', 'car1', '--data', data, ...args])).stdout).origin;
  expect(await invite()).toBe('http://127.0.0.1:8080');
  const { cli } = await serve(data);
  const [, webUrl] = await cli.printed(/Open +(http:\S+)/);
  expect(await invite()).toBe(webUrl);
  expect(statSync(join(data, 'access/address')).mode & 0o777).toBe(0o600);
  expect(await invite('--public-url', 'https://a.example')).toBe('https://a.example');
  await serve(data, '--public-url', 'https://fleet.example.org');
  expect(await invite()).toBe('https://fleet.example.org');
});

test('a secret that others could read is a warning, and no longer readable', async () => {
  const data = testFolder();
  const secret = join(data, 'access/secret');
  expect((await run(['token', 'car1', '--data', data])).stderr).not.toContain('warning');
  chmodSync(secret, 0o644);
  const { stdout, stderr } = await run(['token', 'car1', '--data', data]);
  expect(stderr).toContain(`warning: The secret for tokens '${secret}' could be read by others (mode 644)`);
  expect(stdout.split('\n')).toHaveLength(1);
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  chmodSync(secret, 0o640);
  const { cli } = await serve(data);
  await cli.printed(/"level":"warn".*could be read by others \(mode 640\): .*delete the file/);
  expect(statSync(secret).mode & 0o777).toBe(0o600);
});
