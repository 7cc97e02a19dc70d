/** A vehicle as a process of its own, as `plntry vehicle` runs it. */
import { createTopics } from '../../shared/topics.ts';
import { startCli } from '../helpers/process.ts';
import type { Target } from './target.ts';
import type { Witness } from './witness.ts';

export interface Agent {
  hasEnded(): boolean;
  stop(): Promise<void>;
}

/** @param witness hears everything in the room @param more options of `plntry vehicle` */
export async function startAgent(
  target: Target,
  witness: Witness,
  room: string,
  more: string[] = [],
): Promise<Agent> {
  const token = await target.token(room, 'vehicle', [room]);
  const options = ['--room', room, '--broker', target.mqttUrl, '--no-drive-log', '--max-operators', '64'];
  const agent = startCli(['vehicle', ...options, ...more], { PLNTRY_TOKEN: token });
  let ended = false;
  void agent.ended.then(() => {
    ended = true;
  });
  await witness.heardNext(createTopics().presence(room, room));
  return { hasEnded: () => ended, stop: agent.stop };
}
