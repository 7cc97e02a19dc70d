/** All that is configured, as one answer: asked in parallel, and what fails takes nothing else with it. */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { IceAnswer } from '../../shared/server-api.ts';
import { type Kept, keepAnswers } from './kept.ts';
import { type IceProvider, type IceSetup, MAX_TTL_S } from './provider.ts';

export interface IceSource {
  /**
   * Never rejects: a provider that fails is a sentence in `warnings`.
   * @param peer id of who is going to use them
   */
  iceServers(peer: string): Promise<IceAnswer>;
}

/** @param onFailure a request to the provider of that name has failed */
export function createIceServers(
  { providers, ttl }: IceSetup,
  clock: Clock,
  log: Log,
  onFailure: (provider: string) => void = () => {},
): IceSource {
  const sources = providers.map((provider) =>
    provider.shared
      ? keepAnswers(provider, clock, log, () => onFailure(provider.name))
      : (peer: string) => madeHere(provider, peer),
  );
  return {
    async iceServers(peer) {
      const kept = await Promise.all(sources.map((ask) => ask(peer)));
      const grants = kept.flatMap(({ grant }) => grant ?? []);
      const warnings = kept.flatMap(({ warning }) => warning ?? []);
      const answer: IceAnswer = {
        iceServers: grants.flatMap(({ iceServers }) => iceServers),
        ttl: Math.min(ttl, MAX_TTL_S, ...grants.map((grant) => grant.ttl)),
      };
      return warnings.length > 0 ? { ...answer, warnings } : answer;
    },
  };
}

async function madeHere(provider: IceProvider, peer: string): Promise<Kept> {
  return { grant: await provider.iceServers(peer, new AbortController().signal), warning: null };
}
