/** Invitations and sessions that were used before, and those of others. */
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { dial, inParallel, range } from '../wire/raw.ts';

interface Answer {
  status: number;
  cookie: string;
  body: string;
}

/** From the attacker's own address, as a browser asks. */
async function post(target: Target, path: string, value: object, cookie = ''): Promise<Answer> {
  const raw = await dial(target, 'web');
  const body = JSON.stringify(value);
  const { host, origin } = new URL(target.webUrl);
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: ${origin}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(cookie ? [`Cookie: ${cookie}`] : []),
  ];
  raw.socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const answer = (await raw.closed).toString();
  return {
    status: Number(answer.split(' ', 2)[1]),
    cookie: /^set-cookie: ([^;]+)/im.exec(answer)?.[1] ?? '',
    body: answer.split('\r\n\r\n', 2)[1] ?? '',
  };
}

export const INVITATIONS: Attack[] = [
  {
    name: 'an invitation that is used again, at once and later',
    tries: { full: 500, test: 40 },
    async run(target, tries) {
      const invitation = await target.invitation('operator', ['car2']);
      let accepted = 0;
      await inParallel(range(tries), 8, async () => {
        if ((await post(target, '/api/session', { invitation })).status === 200) accepted += 1;
      });
      // The first is its guest.
      return { attempts: tries, gotIn: Math.max(0, accepted - 1) + (accepted === 0 ? tries : 0) };
    },
    said: [{ line: /^sign-in refused: the invitation has been used already/ }],
  },
  {
    name: 'invitations that are made up, or of another kind',
    tries: { full: 500, test: 40 },
    async run(target, tries) {
      const kinds = [
        await target.forged('mqtt', {}),
        await target.forged('session', {}),
        await target.forged('invitation', {}, Buffer.alloc(32, 7)),
        await target.forged('invitation', { issued: 1_000, expires: 2_000, until: 2_000 }),
        'x',
        '',
        { toString: 'x' },
        null,
      ];
      let gotIn = 0;
      await inParallel(range(tries), 8, async (index) => {
        const invitation = kinds[index % kinds.length];
        const { status, cookie } = await post(target, '/api/session', { invitation });
        if (status === 200 || cookie) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [{ line: /^sign-in refused: /, offenders: 6 }],
  },
  {
    name: 'tokens for others’ ids, and with a session that has ended',
    tries: { full: 500, test: 40 },
    async run(target, tries) {
      const { cookie } = await post(target, '/api/session', {
        invitation: await target.invitation('operator', ['car2']),
      });
      const gone = await post(target, '/api/session', {
        invitation: await target.invitation('operator', ['car2']),
      });
      await fetch(`${target.webUrl}/api/session`, {
        method: 'DELETE',
        headers: { Cookie: gone.cookie, Origin: new URL(target.webUrl).origin },
      });
      const wanted = ['car1', 'car7', 'op-honest', 'sv-1', 'plntry-server', 'op-', '../car1', 'op-0\n'];
      let gotIn = cookie && gone.cookie ? 0 : tries;
      await inParallel(range(tries), 8, async (index) => {
        const { status } =
          index % 2 === 0
            ? await post(target, '/api/token', { peer: wanted[(index / 2) % wanted.length] }, cookie)
            : await post(target, '/api/token', {}, gone.cookie);
        if (status === 200) gotIn += 1;
      });
      return { attempts: tries, gotIn };
    },
    said: [],
  },
];
