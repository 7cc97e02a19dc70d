/** Every malformed packet of the corpus, before CONNECT and after it. */
import type { Attack } from '../attack.ts';
import { corpus, type Malformed } from '../corpus/corpus.ts';
import type { Target } from '../target.ts';
import { connectPacket, PINGREQ } from '../wire/packets.ts';
import { dial, inParallel } from '../wire/raw.ts';
import { listen } from '../witness.ts';

/** The corpus is that of this seed; another one with ATTACK_SEED in the environment. */
export const SEED = Number(process.env.ATTACK_SEED ?? 20_261_126);
const LANES = 16;

/** How far it has got: what was sent when a server ended. */
export const progress: { last: Malformed | null } = { last: null };

/** @returns whether the attacker was let in by a packet that has no token */
async function send(target: Target, malformed: Malformed, login: Buffer): Promise<boolean> {
  const { before, bytes } = malformed;
  const raw = await dial(target, 'mqtt');
  if (!before) {
    raw.socket.write(login);
    await raw.answer(4);
  }
  progress.last = malformed;
  // With the end of the connection, so that nobody waits for what a length has promised.
  raw.socket.end(Buffer.concat([bytes, PINGREQ]));
  const answer = await raw.closed;
  return before && answer[0] === 0x20 && answer[3] === 0;
}

export const PACKETS: Attack[] = [
  {
    name: `malformed packets, seed ${SEED}`,
    tries: { full: 20_000, test: 20_000 },
    async run(target, tries) {
      const witness = await listen(target, 'rooms/car1/#');
      const password = await target.token(target.operator, 'operator', [target.car]);
      let gotIn = 0;
      await inParallel(corpus(SEED, tries), LANES, async (malformed, lane) => {
        // An id that no peer can have: each lane has its own, and none throws out another.
        const login = connectPacket({ clientId: `C${lane}`, username: 'x', password });
        if (target.lives() && (await send(target, malformed, login))) gotIn += 1;
      });
      if (target.lives()) {
        await witness.caughtUp();
        gotIn += witness.heard(() => true);
        await witness.close();
      }
      return { attempts: tries, gotIn };
    },
    said: [
      { line: /^MQTT connection refused: /, offenders: 30 },
      // One for each thing that can be wrong with a packet.
      { line: /^MQTT client (refused|error): /, offenders: 60 },
    ],
  },
];
