/** Secrets that are given as files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readSecretFiles, SECRETS } from '../../deploy/secret-files.ts';
import { spawnCli } from '../helpers/cli.ts';
import { startService } from '../helpers/service.ts';

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'plntry-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  writeFileSync(path, text);
  return path;
}

test.each(SECRETS)('%s is read from the file that its _FILE names, without the line end', (name) => {
  const environment: Record<string, string> = { [`${name}_FILE`]: fileWith(' hush\n') };
  expect(readSecretFiles(environment)).toBeNull();
  expect(environment).toEqual({ [name]: 'hush' });
});

test('a secret that is given twice, or whose file is empty or not there, is one sentence', () => {
  const both = { PLNTRY_TURN_SECRET: 'hush', PLNTRY_TURN_SECRET_FILE: fileWith('hush') };
  expect(readSecretFiles(both)).toBe(
    'PLNTRY_TURN_SECRET and PLNTRY_TURN_SECRET_FILE are both given; one is enough.',
  );
  const empty = fileWith('\n');
  expect(readSecretFiles({ PLNTRY_TURN_SECRET_FILE: empty })).toBe(
    `PLNTRY_TURN_SECRET_FILE: the file '${empty}' is empty.`,
  );
  expect(readSecretFiles({ PLNTRY_TURN_SECRET_FILE: '/nowhere/at-all' })).toBe(
    "PLNTRY_TURN_SECRET_FILE: the file '/nowhere/at-all' can't be read (ENOENT).",
  );
});

test('serve uses a token from a file, and says so when the service refuses it, without the token', async () => {
  const service = await startService(({ headers }) => ({
    status: headers.authorization === 'Bearer hush' ? 401 : 500,
    body: '',
  }));
  const cli = spawnCli(['serve', '--port', '0', '--mqtt-port', '0'], {
    PLNTRY_CLOUDFLARE_TURN_KEY_ID: 'k',
    PLNTRY_CLOUDFLARE_TURN_API_TOKEN_FILE: fileWith('hush\n'),
    PLNTRY_CLOUDFLARE_API_URL: service.url,
  });
  await cli.printed(
    /Cloudflare TURN refused the API token \(401\)\. Check PLNTRY_CLOUDFLARE_TURN_API_TOKEN\./,
  );
  await cli.printed(/Open/);
  expect(cli.stdout() + cli.stderr()).not.toContain('hush');
});
