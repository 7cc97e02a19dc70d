import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

function lint(folder: string, source: string) {
  const dir = mkdtempSync(join(root, folder, 'probe-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'probe.ts'), source);
  return spawnSync(biome, ['lint', '--max-diagnostics=5', dir], { encoding: 'utf8', cwd: root });
}

test.each([
  ['shared', '../../broker/serve.ts'],
  ['shared', '../../vehicle/agent.ts'],
  ['shared', 'node:fs'],
  ['broker', '../../vehicle/agent.ts'],
  ['broker', '../../web/main.tsx'],
  ['vehicle', '../../broker/serve.ts'],
  ['web', '../../vehicle/agent.ts'],
  ['web', '../../broker/serve.ts'],
])('%s may not import %s', (folder, target) => {
  const { status, stderr, stdout } = lint(
    folder,
    `import * as other from '${target}';\nconsole.log(other);\n`,
  );
  expect(stdout + stderr).toContain('noRestrictedImports');
  expect(status).not.toBe(0);
});

test.each(['broker', 'vehicle', 'web'])('%s may import shared', (folder) => {
  const { status } = lint(
    folder,
    "import { isId } from '../../shared/topics.ts';\nconsole.log(isId('a'));\n",
  );
  expect(status).toBe(0);
});

test('no package is recorded with an address to download it from', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
