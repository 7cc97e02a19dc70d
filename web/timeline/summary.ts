/** A signalling message in one line. Pure; it takes nothing in a message for granted, as files can be anything. */
import type { Entry } from './recording.ts';
import type { Tone } from './rows.ts';

type MessageEntry = Extract<Entry, { type: 'message' }>;
type Body = Record<string, unknown>;

export interface Summary {
  title: string;
  detail: string;
  tone: Tone;
}

export function summary({ kind, message, from }: MessageEntry): Summary {
  const plain = (title: string, ...facts: string[]): Summary => ({
    title,
    detail: facts.filter(Boolean).join(', '),
    tone: 'plain',
  });
  if (message === null)
    return { ...plain(`${TITLES[kind]} cleared`), tone: kind === 'presence' ? 'careful' : 'plain' };
  switch (kind) {
    case 'presence': {
      const state = word(message.state);
      const online = state === 'online';
      const who = from === 'vehicle' ? 'Vehicle' : 'Operator';
      return {
        ...plain(`${who} ${state}`, word(message.name)),
        tone: online ? 'plain' : 'careful',
      };
    }
    case 'offer':
      return plain(`Offer state: ${word(message.phase)}`, count(message.sessions, 'session'));
    case 'sdp':
      return plain(SDP[word(message.type)] ?? 'Description', phrase('seq', message.seq), media(message.sdp));
    case 'ice': {
      const found = candidates(message.candidates);
      return plain(found || 'No more candidates', found && message.done === true ? 'the last' : '');
    }
    case 'bye':
      return { ...plain(`Bye: ${word(message.reason)}`, word(message.detail)), tone: 'danger' };
    case 'report':
      return plain('Report', ...reported(message));
  }
}

/** Of the kinds of messages, for when there is nothing better. */
export const TITLES: Record<MessageEntry['kind'], string> = {
  presence: 'Presence',
  offer: 'Offer state',
  sdp: 'Description',
  ice: 'Candidates',
  bye: 'Bye',
  report: 'Report',
};

const SDP: Record<string, string> = { offer: 'Offer', answer: 'Answer', restart: 'Restart wanted' };

function media(sdp: unknown): string {
  const kinds = typeof sdp === 'string' ? [...sdp.matchAll(/^m=(\w+)/gm)].map(([, kind]) => kind) : [];
  return kinds.join(' and ');
}

/** Such as `3 candidates: 2 host, relay`. */
function candidates(list: unknown): string {
  if (!Array.isArray(list) || list.length === 0) return '';
  const counts = new Map<string, number>();
  for (const each of list as ({ candidate?: unknown } | null)[]) {
    const kind = / typ (\w+)/.exec(String(each?.candidate))?.[1] ?? 'unknown';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kinds = [...counts].map(([kind, times]) => (times > 1 ? `${times} ${kind}` : kind));
  return `${list.length > 1 ? `${list.length} candidates` : 'Candidate'}: ${kinds.join(', ')}`;
}

function reported({ gathered, servers, pair }: Body): string[] {
  return [
    typeof gathered === 'number' ? plural(gathered, 'address', 'addresses') : '',
    typeof servers === 'number' ? plural(servers, 'server') : '',
    pair === true ? 'a pair in use' : 'no pair in use',
  ];
}

const word = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 200) : '');
const phrase = (name: string, value: unknown): string =>
  typeof value === 'number' ? `${name} ${value}` : '';
const count = (list: unknown, what: string): string => (Array.isArray(list) ? plural(list.length, what) : '');
const plural = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
