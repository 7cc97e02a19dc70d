import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = `
  import { createPeerFactory } from './vehicle/webrtc/peer.ts';
  const nothing = () => {};
  const handlers = {
    candidate: nothing, open: nothing, failed: nothing, message: nothing, mediaReady: nothing, keyFrameWanted: nothing,
  };
  const peer = createPeerFactory({ iceServers: () => [] }).create(handlers);
  await peer.createOffer();
  peer.close();
`;

test('a process whose connections are closed ends by itself', () => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    timeout: 20_000,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
