/** The services' adapters against local servers that answer as the services document. */
import { describe, expect, test } from 'vitest';
import { cloudflare } from '../../../broker/ice/cloudflare.ts';
import { metered } from '../../../broker/ice/metered.ts';
import { type IceProvider, ProviderError } from '../../../broker/ice/provider.ts';
import { callUrl } from '../../../broker/ice/service.ts';
import { twilio } from '../../../broker/ice/twilio.ts';
import { freePort } from '../../helpers/ports.ts';
import { type Asked, type Reply, startService } from '../../helpers/service.ts';

const TTL = 1_800;
const SECRET = 'open-sesame';
const never = new AbortController().signal;
const ask = (provider: IceProvider, signal = never) => provider.iceServers('op-1', signal);

/** As on https://developers.cloudflare.com/realtime/turn/generate-credentials/ */
const CLOUDFLARE_ANSWER = {
  iceServers: [
    { urls: ['stun:stun.cloudflare.com:3478', 'stun:stun.cloudflare.com:53'] },
    {
      urls: [
        'turn:turn.cloudflare.com:3478?transport=udp',
        'turn:turn.cloudflare.com:53?transport=udp',
        'turn:turn.cloudflare.com:3478?transport=tcp',
        'turn:turn.cloudflare.com:80?transport=tcp',
        'turns:turn.cloudflare.com:5349?transport=tcp',
        'turns:turn.cloudflare.com:443?transport=tcp',
      ],
      username: 'a user',
      credential: 'a credential',
    },
  ],
};

/** As on https://www.twilio.com/docs/stun-turn/api */
const TWILIO_ANSWER = {
  username: 'a user',
  ice_servers: [
    { url: 'stun:global.stun.twilio.com:3478', urls: 'stun:global.stun.twilio.com:3478' },
    {
      url: 'turn:global.turn.twilio.com:3478?transport=udp',
      username: 'a user',
      urls: 'turn:global.turn.twilio.com:3478?transport=udp',
      credential: 'a credential',
    },
    {
      url: 'turn:global.turn.twilio.com:443?transport=tcp',
      username: 'a user',
      urls: 'turn:global.turn.twilio.com:443?transport=tcp',
      credential: 'a credential',
    },
  ],
  date_updated: 'Fri, 01 May 2020 01:42:57 +0000',
  account_sid: 'AC1',
  ttl: String(TTL),
  date_created: 'Fri, 01 May 2020 01:42:57 +0000',
  password: 'a credential',
};

/** As on https://www.metered.ca/docs/turn-rest-api/get-credential */
const METERED_ANSWER = [
  { urls: 'stun:stun.relay.metered.ca:80' },
  { urls: 'turn:global.relay.metered.ca:80', username: 'someone', credential: 'something' },
  { urls: 'turn:global.relay.metered.ca:80?transport=tcp', username: 'someone', credential: 'something' },
  { urls: 'turns:global.relay.metered.ca:443?transport=tcp', username: 'someone', credential: 'something' },
];

test('an API that is reached through a proxy keeps the path that the proxy has', () => {
  expect(callUrl('/v1/x?a=b', 'https://proxy.example/turn').href).toBe('https://proxy.example/turn/v1/x?a=b');
  expect(callUrl('/v1/x', 'https://proxy.example/turn/').href).toBe('https://proxy.example/turn/v1/x');
  expect(callUrl('/v1/x', 'https://api.example').href).toBe('https://api.example/v1/x');
});

const SERVICES = {
  Cloudflare: {
    create: (baseUrl: string) => cloudflare({ keyId: 'key1', apiToken: SECRET, ttl: TTL, baseUrl }),
    /** As the service: 201 for the right request. */
    reply: ({ method, path, headers, body }: Asked): Reply =>
      method === 'POST' && path === '/v1/turn/keys/key1/credentials/generate-ice-servers'
        ? headers.authorization === `Bearer ${SECRET}` && JSON.parse(body).ttl === TTL
          ? { status: 201, body: CLOUDFLARE_ANSWER }
          : { status: 401, body: { success: false } }
        : { status: 404, body: '' },
    refused: 'Cloudflare TURN refused the API token (401). Check PLNTRY_CLOUDFLARE_TURN_API_TOKEN.',
    unknown: 'Cloudflare TURN knows no such TURN key (404). Check PLNTRY_CLOUDFLARE_TURN_KEY_ID.',
  },
  Twilio: {
    create: (baseUrl: string) => twilio({ accountSid: 'AC1', authToken: SECRET, ttl: TTL, baseUrl }),
    reply: ({ method, path, headers, body }: Asked): Reply =>
      method === 'POST' && path === '/2010-04-01/Accounts/AC1/Tokens.json'
        ? headers.authorization === `Basic ${btoa(`AC1:${SECRET}`)}` &&
          headers['content-type']?.startsWith('application/x-www-form-urlencoded') &&
          body === `Ttl=${TTL}`
          ? { status: 201, body: TWILIO_ANSWER }
          : { status: 401, body: { code: 20003, message: 'Authenticate', status: 401 } }
        : { status: 404, body: '' },
    refused: 'Twilio TURN refused the auth token (401). Check PLNTRY_TWILIO_AUTH_TOKEN.',
    unknown: 'Twilio TURN knows no such account (404). Check PLNTRY_TWILIO_ACCOUNT_SID.',
  },
  Metered: {
    create: (baseUrl: string) => metered({ key: { api: SECRET }, ttl: TTL, baseUrl }),
    reply: ({ method, path, query }: Asked): Reply =>
      method === 'GET' && path === '/api/v1/turn/credentials'
        ? query.apiKey === SECRET
          ? { body: METERED_ANSWER }
          : { status: 401, body: { message: 'Invalid API key' } }
        : { status: 404, body: '' },
    refused: 'metered.ca TURN refused the API key (401). Check PLNTRY_METERED_API_KEY.',
    unknown: 'metered.ca TURN knows no such app (404). Check PLNTRY_METERED_APP.',
  },
};

test('Cloudflare is asked with its key and token; ports that browsers block are left out', async () => {
  const service = await startService(SERVICES.Cloudflare.reply);
  const [stun, turn] = CLOUDFLARE_ANSWER.iceServers;
  expect(await ask(SERVICES.Cloudflare.create(service.url))).toEqual({
    iceServers: [
      { urls: ['stun:stun.cloudflare.com:3478'] },
      { ...turn, urls: turn?.urls.filter((url) => !url.includes(':53?')) },
    ],
    ttl: TTL,
  });
  expect(stun?.urls).toContain('stun:stun.cloudflare.com:53');
});

test("Twilio is asked with its account and token; the answer's own ttl counts when it is shorter", async () => {
  const service = await startService(SERVICES.Twilio.reply);
  const iceServers = TWILIO_ANSWER.ice_servers.map(({ url: _, ...server }) => server);
  expect(await ask(SERVICES.Twilio.create(service.url))).toEqual({ iceServers, ttl: TTL });
  service.reply = () => ({ status: 201, body: { ...TWILIO_ANSWER, ttl: '60' } });
  expect((await ask(SERVICES.Twilio.create(service.url))).ttl).toBe(60);
});

test('metered.ca hands out the credential of an API key', async () => {
  const service = await startService(SERVICES.Metered.reply);
  expect(await ask(SERVICES.Metered.create(service.url))).toEqual({ iceServers: METERED_ANSWER, ttl: TTL });
});

test('metered.ca makes a credential that expires, with the secret key of an app', async () => {
  const service = await startService(({ method, path, query, body }) => {
    if (method === 'GET') return { body: query.apiKey === 'made' ? METERED_ANSWER : [] };
    const wanted = JSON.parse(body);
    return path === '/api/v1/turn/credential' && query.secretKey === SECRET
      ? { body: { username: 'u', password: 'p', apiKey: 'made', ...wanted } }
      : { status: 401, body: { message: 'Invalid secret key' } };
  });
  const provider = (secret: string) => metered({ key: { secret }, ttl: TTL, baseUrl: service.url });
  expect(await ask(provider(SECRET))).toEqual({ iceServers: METERED_ANSWER, ttl: TTL });
  expect(JSON.parse(service.asked[0]?.body ?? '')).toEqual({ expiryInSeconds: TTL, label: 'plntry' });
  await expect(ask(provider('wrong'))).rejects.toThrow(
    'metered.ca TURN refused the secret key (401). Check PLNTRY_METERED_SECRET_KEY.',
  );
});

describe.each(Object.entries(SERVICES))('%s', (_name, { create, refused, unknown }) => {
  /** The sentence that a reply leads to; the secret is never in it. */
  async function sentence(reply: Reply, signal?: AbortSignal): Promise<string> {
    const service = await startService(() => reply);
    const error = await ask(create(service.url), signal).catch((reason) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error.message).not.toContain(SECRET);
    return error.message.replace(new URL(service.url).host, 'HOST');
  }

  test('that refuses says which variable to check', async () => {
    expect(await sentence({ status: 401, body: { message: `${SECRET} is wrong` } })).toBe(refused);
    expect(await sentence({ status: 404, body: 'Not Found' })).toBe(unknown);
  });

  test.each([
    [500, 'has a fault of its own (500).'],
    [503, 'has a fault of its own (503).'],
    [429, 'says that it is asked too often (429).'],
    [302, 'answered 302. Check its address, HOST.'],
  ])('with status %i says so', async (status, end) => {
    const location = { Location: 'http://127.0.0.1:1/elsewhere' };
    expect(await sentence({ status, body: '', headers: location })).toMatch(new RegExp(`${literally(end)}$`));
  });

  test.each([
    'not JSON',
    '',
    'null',
    '7',
    '[]',
    '{}',
    '{"iceServers": "none"}',
    '{"ice_servers": [{"urls": "https://a"}], "ttl": {}}',
    '[{"urls": "turn:a"}]',
  ])('that answers %s has no ICE servers', async (body) => {
    expect(await sentence({ body })).toMatch(
      /gave an answer without ICE servers\. Check its address, HOST\.$/,
    );
  });

  test('that does not answer is given up', async () => {
    const service = await startService(() => null);
    const abort = new AbortController();
    const answer = ask(create(service.url), abort.signal);
    void service.next().then(() => abort.abort());
    await expect(answer).rejects.toThrow(
      `did not answer in time. Check that this machine reaches ${new URL(service.url).host}.`,
    );
  });

  test('that is not there says so', async () => {
    const port = await freePort();
    await expect(ask(create(`http://127.0.0.1:${port}`))).rejects.toThrow(
      `can't be reached (ECONNREFUSED). Check that this machine reaches 127.0.0.1:${port}.`,
    );
  });
});

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
