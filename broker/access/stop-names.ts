/**
 * In whose name an emergency stop is: that of who publishes it, whatever it says. It is never refused for
 * that, as it has to get through; it is written anew.
 */
import { wordsOf } from '../../shared/estop-words.ts';
import { buildMessage, parseMessage } from '../../shared/messages.ts';
import { roleOfId } from '../../shared/roles.ts';
import { createTopics } from '../../shared/topics.ts';

export interface NamedStop {
  /** What is delivered instead. */
  payload: string;
  /** The name that it had, when that was another operator's. */
  claimed: string | null;
}

/** @param root the topic root @param now ms since the epoch */
export function createStopNames(root: string, now: () => number) {
  const topics = createTopics(root);
  /**
   * Null for what is no emergency stop. Always written anew, and not only when the name is wrong: of JSON that
   * names a key twice each reader may believe another one.
   */
  return (publisher: string, topic: string, payload: Uint8Array): NamedStop | null => {
    if (topics.parse(topic)?.kind !== 'estop') return null;
    const parsed = parseMessage('estop', payload);
    const said = parsed.ok
      ? parsed.value
      : { from: publisher, reason: wordsOf(payload) || undefined, ts: now() };
    const why = said.reason === undefined ? {} : { reason: said.reason };
    return {
      payload: buildMessage('estop', { from: publisher, ...why }, said.ts),
      // What programs call themselves, as `command-line`, is the name of nobody who could have stopped it.
      claimed: said.from === publisher || roleOfId(said.from) === 'vehicle' ? null : said.from,
    };
  };
}
