/** Credentials of the shared secret, as a real coturn takes them. */
import { expect, test } from 'vitest';
import { coturn } from '../../../broker/ice/coturn.ts';
import { iceFromEnvironment } from '../../../broker/ice/from-environment.ts';
import type { IceAnswer } from '../../../shared/server-api.ts';
import { testServer } from '../../helpers/room.ts';
import { turnWorks } from '../../helpers/turn-client.ts';
import { startTurnServer, type TurnServer } from '../../helpers/turn-server.ts';

const configured = ({ udp, secret }: TurnServer) => ({ PLNTRY_TURN_URLS: udp, PLNTRY_TURN_SECRET: secret });

test('the user name is the time of expiry and the peer, the credential its HMAC', async () => {
  const urls = ['turn:turn.example.org'];
  const provider = coturn({ urls, secret: 'north', ttl: 600, now: () => 1_433_895_918_506 });
  // echo -n 1433896518:mbzrxpgjys | openssl dgst -sha1 -hmac north -binary | base64
  expect(await provider.iceServers('mbzrxpgjys', new AbortController().signal)).toEqual({
    iceServers: [{ urls, username: '1433896518:mbzrxpgjys', credential: 'GxVeXeHtVHH9shVw4w+8OV0iQJo=' }],
    ttl: 600,
  });
});

test('what GET /api/ice hands out opens the way through coturn', async () => {
  const turn = await startTurnServer();
  const { webUrl } = await testServer({ ice: iceFromEnvironment(configured(turn)) });
  const answer = (await (await fetch(`${webUrl}/api/ice?peer=op-1`)).json()) as IceAnswer;
  const { urls, username = '', credential = '' } = answer.iceServers[0] ?? {};
  expect(urls).toEqual([turn.udp]);
  const allocated = turn.prints(new RegExp(`user <${username}>.*ALLOCATE processed, success`));
  expect(await turnWorks(turn, username, credential)).toBe(true);
  await allocated;
  expect(await turnWorks(turn, username, 'wrong')).toBe(false);
});

test('coturn refuses it when its time is over', async () => {
  const turn = await startTurnServer();
  const hourAgo = () => Date.now() - 3_600_000;
  const { providers } = iceFromEnvironment({ ...configured(turn), PLNTRY_ICE_TTL: '3599' }, [], hourAgo);
  const grant = await providers[0]?.iceServers('op-1', new AbortController().signal);
  const { username = '', credential = '' } = grant?.iceServers[0] ?? {};
  const refused = turn.prints(new RegExp(`user <${username}>.*error 401`));
  expect(await turnWorks(turn, username, credential)).toBe(false);
  await refused;
});
