/** The process of an attacker; see attacker.ts. It ends when it is told to stop, or with its parent. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Flood } from './attack.ts';
import type { Orders, Word } from './attacker.ts';
import { VEHICLE_ATTACKS } from './cases/all.ts';

/** A car that is busy may not answer a goodbye, ms. */
const PATIENCE_MS = 5_000;

const say = (word: Word) => new Promise<void>((resolve) => process.send?.(word, () => resolve()));
// What the car sends may make no sense to this end's stack either, in the state that it was brought to.
process.on('uncaughtException', (error) => console.error(`attacker: ${error.message}`));
process.on('unhandledRejection', () => {});

let flood: Promise<Flood> | undefined;
process.on('message', (said: Orders | { stop: true }) => {
  if ('stop' in said) return void stop();
  const attack = VEHICLE_ATTACKS.find(({ name }) => name === said.attack);
  flood = attack?.flood?.(said.front);
  flood?.then(
    () => say({ going: true }),
    (error: Error) => say({ failed: error.message }).then(() => process.exit()),
  );
});
process.on('disconnect', () => process.exit());

async function stop(): Promise<void> {
  const going = await flood;
  const done = await Promise.race([going?.stop(), sleep(PATIENCE_MS)]);
  await say(done ? { done } : { failed: 'it could not leave' });
  process.exit();
}
