/** Failed log-in attempts, over MQTT and at the web server: they are the same address's. */
import { expect, test } from 'vitest';
import { guardedServer } from '../../helpers/access.ts';
import { connectMqtt } from '../../helpers/mqtt-clients.ts';

const limits = { loginFailures: 3, loginSeconds: 600 };

function swap(webUrl: string, invitation: string): Promise<Response> {
  return fetch(`${webUrl}/api/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ invitation }),
  });
}

test('after too many failures the next is told to wait; who has a good token is let in from there as before', async () => {
  const { mqttUrl, webUrl, login, invite, entries } = await guardedServer({ limits });
  for (let i = 0; i < 20; i++) {
    const guess = { clientId: `car${i}`, username: 'x', password: `guess ${i}` };
    await expect(connectMqtt(mqttUrl, guess)).rejects.toMatchObject({ code: 5 });
  }
  const refused = await swap(webUrl, 'guess');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(500);
  expect(await refused.json()).toEqual({
    error: expect.stringMatching(/^Too many attempts failed: try again in \d+ s\.$/),
  });

  await connectMqtt(mqttUrl, await login('car2', 'vehicle', ['car2']));
  expect((await swap(webUrl, (await invite('operator', ['car1'])).text)).status).toBe(200);

  // One line for what was wrong with the guesses, and one for the limit.
  const said = entries.filter(({ message }) => message === 'MQTT client refused');
  expect(said.map(({ fields }) => fields.reason)).toEqual(['it is no token']);
  expect(entries.filter(({ fields }) => fields.limit === 'login-failures')).toHaveLength(1);

  const { password } = await login('mon-1', 'monitor', ['*']);
  const headers = { Authorization: `Bearer ${password}` };
  const metrics = await (await fetch(`${webUrl}/metrics`, { headers })).text();
  expect(metrics).toMatch(/^plntry_limit_hits_total\{limit="login-failures"\} (?!0$)\d+$/m);
});

test('any number of good logins from one address is let in', async () => {
  const { mqttUrl, login, entries } = await guardedServer({ limits });
  for (let i = 0; i < 10; i++) {
    await (await connectMqtt(mqttUrl, await login(`car${i}`, 'vehicle', [`car${i}`]))).endAsync();
  }
  expect(entries.filter(({ level }) => level === 'warn')).toEqual([]);
});
