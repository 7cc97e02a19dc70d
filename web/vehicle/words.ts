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
  holder: string | null;
  replaced: boolean;
}

export interface Words {
  tone: Tone;
  title: string;
  detail: string;
}

export function vehicleWords({ room, problem, broker, sessions, holder, replaced }: Situation): Words {
  if (replaced) {
    return {
      tone: 'danger',
      title: 'Taken over',
      detail: `Another page or machine has become ${room}. This one isn’t it any more.`,
    };
  }
  const seeing = sessions.filter(({ phase }) => phase === 'connected').length;
  if (holder !== null) return { tone: 'careful', title: `Driven by ${holder}`, detail: seenBy(seeing) };
  if (seeing > 0) return { tone: 'fine', title: seenBy(seeing), detail: 'Nobody drives.' };
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

const seenBy = (count: number) => (count === 1 ? 'Seen by 1 operator' : `Seen by ${count} operators`);
