/** Invitations, cookies and page tokens, as a browser asks for them. */

import { expect, test } from 'vitest';
import { addEnded } from '../../../broker/access/register.ts';
import { iceFromEnvironment } from '../../../broker/ice/from-environment.ts';
import { readPass } from '../../../shared/pass.ts';
import { sessionOfPeer } from '../../../shared/roles.ts';
import { newKey, publicKeyOf } from '../../../shared/signature.ts';
import { guardedServer, HOUR_S } from '../../helpers/access.ts';
import { closed, connectMqtt } from '../../helpers/mqtt-clients.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test looks at what it wants of an answer
type Json = any;

const post = (url: string, body: object, cookie?: string) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(cookie ? { Cookie: cookie } : {}) },
    body: JSON.stringify(body),
  });

async function accept(
  webUrl: string,
  invitation: string,
): Promise<{ status: number; body: Json; set: string; cookie: string }> {
  const response = await post(`${webUrl}/api/session`, { invitation });
  const cookie = response.headers.get('set-cookie') ?? '';
  return {
    status: response.status,
    body: await response.json(),
    set: cookie,
    cookie: cookie.split(';')[0] ?? '',
  };
}

test('an invitation is swapped for a cookie that no script can read, and that for tokens', async () => {
  const { webUrl, webSocketUrl, invite } = await guardedServer();
  const { status, body, set, cookie } = await accept(webUrl, (await invite('operator', ['car1'])).text);
  expect(status).toBe(200);
  expect(body).toMatchObject({ path: '/rooms/car1', you: { role: 'operator', rooms: ['car1'] } });
  expect(set).toMatch(/^plntry-session=[^;]+;.*Path=\/;.*HttpOnly;.*SameSite=Strict/);

  const fleet: Json = await (await fetch(`${webUrl}/api/fleet`, { headers: { Cookie: cookie } })).json();
  const { peer, token } = fleet.access.token;
  expect(peer).toMatch(/^op-[0-9a-f]{10}-[0-9a-f]{8}$/);
  const client = await connectMqtt(webSocketUrl, { clientId: peer, username: peer, password: token });
  await client.publishAsync(`rooms/car1/peers/${peer}`, '', { qos: 1 });

  const renewed: Json = await (await post(`${webUrl}/api/token`, { peer }, cookie)).json();
  expect(renewed.peer).toBe(peer);
  const another: Json = await (await post(`${webUrl}/api/token`, {}, cookie)).json();
  expect(another.peer).not.toBe(peer);
  expect(another.peer.slice(0, 13)).toBe(peer.slice(0, 13));
});

test('nobody is given a token for an id of another session', async () => {
  const { webUrl, invite } = await guardedServer();
  const [mine, theirs] = await Promise.all([
    accept(webUrl, (await invite('operator', ['car1'])).text),
    accept(webUrl, (await invite('operator', ['car1'])).text),
  ]);
  const { peer: other }: Json = await (await post(`${webUrl}/api/token`, {}, theirs.cookie)).json();
  for (const peer of [other, 'car1', 'sv-1', 'op-', `${other}\n`, 'plntry-server']) {
    const refused = await post(`${webUrl}/api/token`, { peer }, mine.cookie);
    expect(refused.status).toBe(403);
  }
});

test('an invitation lets in as many browsers as it says, also when they come at once', async () => {
  const { webUrl, invite } = await guardedServer();
  const { text } = await invite('operator', ['car1'], 2);
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => accept(webUrl, text)));
  expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 200, 401, 401]);
  expect(outcomes.find(({ status }) => status === 401)?.body.error).toBe(
    'The invitation has been used already.',
  );
});

test.each([
  ['nothing', undefined, 'It has no text in its field invitation.'],
  ['a number', 7, 'It has no text in its field invitation.'],
  ['text', 'let me in', 'It is no token.'],
])('%s is no invitation', async (_what, invitation, error) => {
  const { webUrl } = await guardedServer();
  const response = await post(`${webUrl}/api/session`, { invitation });
  expect({ status: response.status, body: await response.json() }).toEqual({ status: 401, body: { error } });
});

test('a vehicle’s token is no invitation, and an invitation is no password', async () => {
  const { webUrl, mqttUrl, login, invite } = await guardedServer();
  const car = await login('car1', 'vehicle', ['car1']);
  expect((await accept(webUrl, car.password)).body.error).toBe('It is no invitation.');
  const { text } = await invite('vehicle', ['car1']);
  await expect(
    connectMqtt(mqttUrl, { clientId: 'car1', username: 'car1', password: text }),
  ).rejects.toThrow();
});

test('without a session there are no tokens, no ICE servers, no metrics; the health checks answer', async () => {
  const { webUrl, login } = await guardedServer();
  const status = async (path: string, token?: string) =>
    (await fetch(webUrl + path, { headers: token ? { Authorization: `Bearer ${token}` } : {} })).status;
  const fleet: Json = await (await fetch(`${webUrl}/api/fleet`)).json();
  expect(fleet.access).toEqual({ you: null });
  expect(await status('/api/ice?peer=op-1')).toBe(401);
  expect(await status('/metrics')).toBe(401);
  expect(await status('/healthz')).toBe(200);
  expect(await status('/readyz')).toBe(200);
  expect((await post(`${webUrl}/api/token`, {})).status).toBe(401);
  const car = (await login('car1', 'vehicle', ['car1'])).password;
  const monitor = (await login('mon-1', 'monitor', ['*'])).password;
  expect(await status('/api/ice?peer=car1', car)).toBe(200);
  expect(await status('/metrics', car)).toBe(403);
  expect(await status('/metrics', monitor)).toBe(200);
});

test('ending an invitation ends its sessions and their connections; signing out ends one session', async () => {
  const { webUrl, webSocketUrl, invite, access } = await guardedServer();
  const invitation = await invite('operator', ['car1'], 2);
  const [first, second] = await Promise.all([
    accept(webUrl, invitation.text),
    accept(webUrl, invitation.text),
  ]);
  const tokenOf = async (cookie: string): Promise<Json> =>
    (await post(`${webUrl}/api/token`, {}, cookie)).json();
  const connect = async (cookie: string) => {
    const { peer, token } = await tokenOf(cookie);
    return connectMqtt(webSocketUrl, { clientId: peer, username: peer, password: token });
  };
  const [one, two] = [await connect(first.cookie), await connect(second.cookie)];

  const gone = closed(one);
  await fetch(`${webUrl}/api/session`, { method: 'DELETE', headers: { Cookie: first.cookie } });
  await gone;
  expect((await post(`${webUrl}/api/token`, {}, first.cookie)).status).toBe(401);
  expect((await post(`${webUrl}/api/token`, {}, second.cookie)).status).toBe(200);

  const goneToo = closed(two);
  access.endings.end(invitation.id);
  await goneToo;
  expect((await post(`${webUrl}/api/token`, {}, second.cookie)).status).toBe(401);
});

test('a program is given a pass for its token, for as long as a page’s token lasts', async () => {
  const { webUrl, login, access } = await guardedServer();
  const key = publicKeyOf(newKey());
  const ask = async (token: string, body: object): Promise<{ status: number; answer: Json }> => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
    const response = await fetch(`${webUrl}/api/pass`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: response.status, answer: await response.json() };
  };
  const { password } = await login('op-1', 'operator', ['car*'], 10 * HOUR_S);
  const { status, answer } = await ask(password, { key });
  expect(status).toBe(200);
  const pass = readPass(answer.pass, access.passes.publicKey);
  expect(pass).toEqual({ sub: 'op-1', key, role: 'operator', rooms: ['car*'], exp: answer.expires });
  expect(answer.expires).toBeLessThanOrEqual(access.now() + access.pageTokenS);
  expect((await ask(password, {})).status).toBe(403);
  expect((await ask((await login('car1', 'vehicle', ['car1'])).password, { key })).status).toBe(403);
  expect((await ask('nothing', { key })).status).toBe(401);
});

test('a token comes with a pass for the key that is sent along, for an operator, and for a key that is one', async () => {
  const { webUrl, invite } = await guardedServer();
  const { fleetKey }: Json = await (await fetch(`${webUrl}/api/fleet`)).json();
  const key = publicKeyOf(newKey());
  const answer = async (role: 'operator' | 'supervisor' | 'vehicle', body: object): Promise<Json> => {
    const { cookie } = await accept(webUrl, (await invite(role, ['car1'])).text);
    return (await post(`${webUrl}/api/token`, body, cookie)).json();
  };
  for (const role of ['operator', 'supervisor'] as const) {
    const { peer, pass, expires } = await answer(role, { key });
    expect(readPass(pass, fleetKey)).toEqual({ sub: peer, key, role, rooms: ['car1'], exp: expires });
  }
  expect(await answer('vehicle', { key })).not.toHaveProperty('pass');
  expect(await answer('operator', {})).not.toHaveProperty('pass');
  expect(await answer('operator', { key: 'x' })).not.toHaveProperty('pass');
});

test('ending the id of a page, as logs and the wire show it, ends its session', async () => {
  const { webUrl, webSocketUrl, invite, data } = await guardedServer();
  const { cookie } = await accept(webUrl, (await invite('operator', ['car1'])).text);
  const { peer, token }: Json = await (await post(`${webUrl}/api/token`, {}, cookie)).json();
  const end = closed(await connectMqtt(webSocketUrl, { clientId: peer, username: peer, password: token }));
  addEnded(`${data}/access`, { sub: sessionOfPeer(peer), before: Math.floor(Date.now() / 1_000) });
  await end;
  expect((await post(`${webUrl}/api/token`, { peer }, cookie)).status).toBe(401);
});

test('ICE servers are handed out in the name of who asks, or of one of its own pages', async () => {
  const ice = iceFromEnvironment({
    PLNTRY_TURN_URLS: 'turn:turn.example.org',
    PLNTRY_TURN_SECRET: 'not a secret',
  });
  const { webUrl, invite, login } = await guardedServer({ ice });
  const { cookie, body } = await accept(webUrl, (await invite('operator', ['car1'])).text);
  const { peer }: Json = await (await post(`${webUrl}/api/token`, {}, cookie)).json();
  const car = { Authorization: `Bearer ${(await login('car1', 'vehicle', ['car1'])).password}` };
  const ask = async (query: string, headers: Record<string, string>): Promise<[number, Json]> => {
    const response = await fetch(`${webUrl}/api/ice${query}`, { headers });
    return [response.status, await response.json()];
  };
  const nameIn = ([status, answer]: [number, Json]) => [status, answer.iceServers[0].username.split(':')[1]];
  expect(body.you.role).toBe('operator');
  expect(nameIn(await ask(`?peer=${peer}`, { Cookie: cookie }))).toEqual([200, peer]);
  expect(nameIn(await ask('', car))).toEqual([200, 'car1']);
  for (const [query, headers] of [
    ['?peer=car1', { Cookie: cookie }],
    [`?peer=${peer}`, car],
    ['?peer=op-0123456789-01234567', { Cookie: cookie }],
  ] as const) {
    const [status, answer] = await ask(query, headers);
    expect([status, answer.error]).toEqual([403, `'${query.slice(6)}' is not one of yours.`]);
  }
});
