/** What a phone's owner needs to know, in words. Pure. */
import type { BusState } from '../../shared/bus.ts';
import type { OfferState } from '../../shared/messages.ts';
import type { Tone } from '../console/sentence.ts';

export interface Situation {
  room: string;
  /** Why the server has not said where the broker is; null when nothing is wrong. */
  problem: string | null;
  broker: BusState;
  sessions: OfferState['sessions'];
  /** Operators of whom nothing is heard at the moment. */
  silent: string[];
  holder: string | null;
  replaced: boolean;
}

export interface Words {
  tone: Tone;
  title: string;
  detail: string;
}

export function vehicleWords(situation: Situation): Words {
  const { room, problem, broker, sessions, silent, holder, replaced } = situation;
  if (replaced) {
    return {
      tone: 'danger',
      title: 'Taken over',
      detail: `Another page or machine has become ${room}. This one isn’t it any more.`,
    };
  }
  const here = sessions.filter(({ peer, phase }) => phase === 'connected' && !silent.includes(peer));
  const seeing = here.length;
  if (holder !== null && silent.includes(holder)) {
    return {
      tone: 'danger',
      title: `Nothing is heard of ${holder}, who drives`,
      detail: `${restoring(broker)} No command reaches this vehicle meanwhile.`,
    };
  }
  if (holder !== null) return { tone: 'careful', title: `Driven by ${holder}`, detail: seenBy(seeing) };
  if (seeing > 0) return { tone: 'fine', title: seenBy(seeing), detail: 'Nobody drives.' };
  if (silent.length > 0) {
    return { tone: 'careful', title: 'Connection interrupted, restoring…', detail: restoring(broker) };
  }
  if (problem !== null) {
    return {
      tone: 'danger',
      title: 'The server can’t be reached, trying again…',
      detail: `What it said: ${problem}.`,
    };
  }
  switch (broker.state) {
    case 'connecting':
      return { tone: 'off', title: 'Connecting to the broker…', detail: 'Nobody can find this vehicle yet.' };
    case 'offline':
      return {
        tone: 'danger',
        title: 'The broker can’t be reached, trying again…',
        detail: 'Nobody can find this vehicle until it is back.',
      };
    case 'refused':
      return {
        tone: 'danger',
        title: 'The broker refuses this vehicle',
        detail: `It said: ${broker.detail}. Leave, and start again when that is mended.`,
      };
    case 'closed':
      return { tone: 'off', title: 'Left', detail: 'Nobody can find this vehicle.' };
    case 'connected':
      return sessions.length > 0
        ? { tone: 'fine', title: 'Somebody is connecting…', detail: `${room} is in the fleet.` }
        : {
            tone: 'fine',
            title: 'Waiting to be called',
            detail: `${room} is in the fleet, and nobody looks at it.`,
          };
  }
}

/** Another path is agreed on over the broker. */
const restoring = (broker: BusState) =>
  broker.state === 'connected'
    ? 'Another path is being looked for.'
    : 'The broker can’t be reached either; it is needed to find another path, and is tried again and again.';

const seenBy = (count: number) => (count === 1 ? 'Seen by 1 operator' : `Seen by ${count} operators`);
