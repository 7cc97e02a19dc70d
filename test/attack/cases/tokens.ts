/** At the door of the broker, with every kind of token but the right one. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { inParallel, knock, range } from '../wire/raw.ts';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token's parts, changed by hand. */
function remade(token: string, change: { header?: object; claims?: object; key?: string }): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const text = `${encode(change.header ?? decode(head))}.${encode({ ...decode(body), ...change.claims })}`;
  if (change.header && !change.key) return `${text}.`;
  return `${text}.${change.key ? createHmac('sha256', change.key).update(text).digest('base64url') : signature}`;
}

const TRIES = { full: 1_000, test: 30 };

/** Tries the passwords that somebody can make up, at vehicle car1's door. */
function atTheDoor(
  name: string,
  make: (target: Target) => Promise<{ clientId?: string; password?: string }>,
  reason: RegExp,
): Attack {
  return {
    name,
    tries: TRIES,
    async run(target, tries) {
      let gotIn = 0;
      const { clientId = 'car1', password } = await make(target);
      await inParallel(range(tries), 8, async () => {
        const login = password === undefined ? {} : { username: clientId, password };
        const { raw, code } = await knock(target, { clientId, ...login });
        if (code === 0) gotIn += 1;
        raw.socket.destroy();
        await raw.closed;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: new RegExp(`^MQTT client refused: .*${reason.source}`) }],
  };
}

export const TOKENS: Attack[] = [
  atTheDoor('no token', async () => ({}), /gave no token/),
  atTheDoor('text that is no token', async () => ({ password: 'let me in' }), /is no token/),
  atTheDoor('16 KiB of a token', async () => ({ password: 'a.'.repeat(8_000) }), /no token|too long/),
  atTheDoor(
    'an expired token',
    async (target) => ({
      password: await target.forged('mqtt', { issued: 1_000, expires: 2_000, until: 2_000 }),
    }),
    /has expired/,
  ),
  atTheDoor(
    'a token of another secret',
    async (target) => ({ password: await target.forged('mqtt', {}, randomBytes(32)) }),
    /not made by this server/,
  ),
  atTheDoor(
    'a token whose claims were changed',
    async (target) => {
      const token = await target.token('car2', 'vehicle', ['car2']);
      return { password: remade(token, { claims: { sub: 'car1', rooms: ['car1'] } }) };
    },
    /not made by this server/,
  ),
  atTheDoor(
    'alg: none',
    async (target) => ({ password: remade(await target.forged('mqtt', {}), { header: { alg: 'none' } }) }),
    /not signed with HS256/,
  ),
  ...['HS512', 'RS256', 'ES256'].map((alg) =>
    atTheDoor(
      `alg: ${alg} with a key of one’s own`,
      async (target) => {
        const token = await target.forged('mqtt', {});
        return { password: remade(token, { header: { alg }, key: 'my own' }) };
      },
      /not signed with HS256/,
    ),
  ),
  atTheDoor(
    'the token of another car',
    async (target) => ({ password: await target.token('car2', 'vehicle', ['car2']) }),
    /its token is for 'car2'/,
  ),
  atTheDoor(
    'an operator’s token as the car',
    async (target) => ({ password: await target.token('op-x', 'operator', ['car1']) }),
    /its token is for 'op-x'/,
  ),
  atTheDoor(
    'an invitation as a password',
    async (target) => ({ password: await target.invitation('vehicle', ['car1']) }),
    /not of an MQTT client/,
  ),
  atTheDoor(
    'a page’s cookie as a password',
    async (target) => ({ password: await target.forged('session', {}) }),
    /not of an MQTT client/,
  ),
];
