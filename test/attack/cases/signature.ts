/**
 * Descriptions in an operator's name, to a real vehicle that takes operators of its fleet alone. The attacker has
 * a token of that operator, as a broker in the wrong hands might as well: it hears the offer, and answers.
 */
import { buildMessage, type Sdp } from '../../../shared/messages.ts';
import { issuePass } from '../../../shared/pass.ts';
import { createSigner, newKey } from '../../../shared/signature.ts';
import { createTopics } from '../../../shared/topics.ts';
import { eventually } from '../../helpers/eventually.ts';
import { testFleet } from '../../helpers/keys.ts';
import { startAgent } from '../agent.ts';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { inParallel, range } from '../wire/raw.ts';
import { join, listen } from '../witness.ts';
import { SDP } from './messages.ts';

const topics = createTopics();
const CAR = 'car5';
const fleet = testFleet();
const stranger = testFleet();

type Answer = Pick<Sdp, 'session' | 'seq' | 'type'> & { sdp: string };
type Signed = Answer & { key?: string; sig?: string; pass?: string };
/** Makes of an answer what the attacker says as operator `id`. */
type Forgery = (id: string, answer: Answer) => Signed;

/** As the operator itself would say it. */
const rightly: Forgery = (id, answer) => {
  const { identity } = fleet.operator(id);
  return { ...createSigner(CAR, id, identity.secretKey)(CAR, answer), pass: identity.pass() ?? '' };
};
const differently = (sdp: string) => sdp.replace('00:11', 'AB:CD');

const FORGERIES: Forgery[] = [
  // Without a signature.
  (_id, answer) => answer,
  // What was signed is changed on the way: fingerprint, or a bit of the signature.
  (id, answer) => ({ ...rightly(id, answer), sdp: differently(answer.sdp) }),
  (id, answer) => {
    const right = rightly(id, answer);
    const [first = ''] = right.sig ?? '';
    return { ...right, sig: `${first === 'A' ? 'B' : 'A'}${right.sig?.slice(1)}` };
  },
  // Half of it.
  (id, { ...answer }) => {
    const { sig: _sig, ...rest } = rightly(id, answer);
    return rest;
  },
  // A right signature of something else: another session's, another car's, another operator's.
  (id, answer) => ({ ...rightly(id, { ...answer, session: '0mq5h2k9a-x7f2' }), session: answer.session }),
  (id, answer) => ({ ...rightly(id, answer), ...createSigner('car1', id, newKey())('car1', answer) }),
  (id, answer) => ({ ...rightly('op-other', answer), key: rightly(id, answer).key as string }),
  // The pass of another fleet, of somebody else, one that has expired, one that the attacker wrote.
  (id, answer) => {
    const { identity } = stranger.operator(id);
    return { ...createSigner(CAR, id, identity.secretKey)(CAR, answer), pass: identity.pass() ?? '' };
  },
  (id, answer) => {
    const { identity } = fleet.operator('op-other');
    return { ...createSigner(CAR, id, identity.secretKey)(CAR, answer), pass: identity.pass() ?? '' };
  },
  (id, answer) => {
    const { identity } = fleet.operator(id, { exp: 1_000 });
    return { ...createSigner(CAR, id, identity.secretKey)(CAR, answer), pass: identity.pass() ?? '' };
  },
  (id, answer) => {
    const key = newKey();
    const signed = createSigner(CAR, id, key)(CAR, answer);
    const claims = { sub: id, key: signed.key, role: 'operator', rooms: ['*'], exp: 4e9 };
    return { ...signed, pass: issuePass(claims, newKey()) };
  },
];

/** Comes into the room as an operator, answers the offer, and resolves with the reason of the vehicle's goodbye. */
async function answerAs(target: Target, id: string, forge: Forgery): Promise<string | null> {
  const client = await join(target, id, await target.token(id, 'operator', [CAR]));
  const watchers = new Set<() => void>();
  const heard = new Map<string, Record<string, unknown>>();
  client.on('message', (topic, payload) => {
    heard.set(topic, JSON.parse(payload.toString()));
    for (const watcher of [...watchers]) watcher();
  });
  const [offers, byes] = [topics.sdp(CAR, CAR, id), topics.bye(CAR, CAR, id)];
  const next = (topic: string) =>
    eventually(
      watchers,
      () => heard.get(topic),
      () => `nothing on ${topic}`,
    );
  await client.subscribeAsync([offers, byes], { qos: 1 });
  const now = Date.now();
  const presence = { state: 'online', role: 'operator', epoch: now, since: now } as const;
  client.publish(topics.presence(CAR, id), buildMessage('presence', presence, now), { qos: 1, retain: true });
  const offer = await next(offers);
  const answer: Answer = {
    session: String(offer.session),
    seq: Number(offer.seq),
    type: 'answer',
    sdp: SDP,
  };
  client.publish(topics.sdp(CAR, id, CAR), buildMessage('sdp', forge(id, answer), now), { qos: 1 });
  const bye = await next(byes).catch(() => null);
  await client.publishAsync(topics.presence(CAR, id), '', { qos: 1, retain: true });
  await client.endAsync();
  return bye && String(bye.reason);
}

export const SIGNATURES: Attack[] = [
  {
    name: 'tampered, stolen and made-up signatures of descriptions',
    tries: { full: 110, test: 11 },
    async run(target, tries) {
      const witness = await listen(target, `rooms/${CAR}/#`);
      const agent = await startAgent(target, witness, CAR, ['--fleet-key', fleet.key]);
      let gotIn = 0;
      try {
        await inParallel(range(tries), 4, async (index) => {
          const forge = FORGERIES[index % FORGERIES.length] as Forgery;
          if ((await answerAs(target, `op-f${index}`, forge)) !== 'refused') gotIn += 1;
        });
        // What is right is not refused: else the vehicle would prove nothing by refusing the others.
        if ((await answerAs(target, 'op-right', rightly)) === 'refused') gotIn = tries;
      } finally {
        await agent.stop();
        await witness.close();
      }
      return { attempts: tries, gotIn };
    },
    said: [],
  },
];
