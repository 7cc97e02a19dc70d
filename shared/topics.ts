/**
 * Every topic of the protocol is built and parsed here, and nowhere else.
 * The table of topics, with who publishes what, is in docs/protocol.md.
 */

/** Room and peer ids: 1 to 32 characters, lower case, so that they are safe in topics, URLs and file names. */
const ID = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** The topic root unless configured otherwise. */
export const DEFAULT_ROOT = 'rooms';

export function isId(text: string): boolean {
  return ID.test(text);
}

/** What is wrong with an id, as the end of a sentence; null when it is fine. */
export function idProblem(text: string): string | null {
  if (isId(text)) return null;
  return `'${text}' is not an id: 1 to 32 of a-z, 0-9 and '-', not starting with '-'`;
}

/** A topic root is one or more levels without wildcards, `$`, or empty levels. */
export function isRoot(text: string): boolean {
  return text.length <= 64 && /^[^$+#/\0][^+#/\0]*(\/[^+#/\0]+)*$/.test(text);
}

interface Ids {
  presence: { peer: string };
  offer: object;
  sdp: { from: string; to: string };
  ice: { from: string; to: string };
  bye: { from: string; to: string };
  report: { from: string; to: string };
  telemetry: object;
  link: { operator: string };
  lease: object;
  safety: object;
  estop: object;
  usage: object;
}

export type TopicKind = keyof Ids;

/** A topic's parts. */
export type Topic = { [Kind in TopicKind]: { kind: Kind; room: string } & Ids[Kind] }[TopicKind];
export type Topics = ReturnType<typeof createTopics>;

/** The topics below one root. Builders take ids that have been checked with {@link isId}. */
export function createTopics(root: string = DEFAULT_ROOT) {
  return {
    root,
    presence: (room: string, peer: string) => `${root}/${room}/peers/${peer}`,
    offer: (room: string) => `${root}/${room}/offer`,
    sdp: (room: string, from: string, to: string) => `${root}/${room}/sdp/${from}/${to}`,
    ice: (room: string, from: string, to: string) => `${root}/${room}/ice/${from}/${to}`,
    bye: (room: string, from: string, to: string) => `${root}/${room}/bye/${from}/${to}`,
    report: (room: string, from: string, to: string) => `${root}/${room}/report/${from}/${to}`,
    telemetry: (room: string) => `${root}/${room}/telemetry`,
    link: (room: string, operator: string) => `${root}/${room}/link/${operator}`,
    lease: (room: string) => `${root}/${room}/lease`,
    safety: (room: string) => `${root}/${room}/safety`,
    estop: (room: string) => `${root}/${room}/estop`,
    usage: (room: string) => `${root}/${room}/usage`,

    /** Subscription filters; `+` stands for exactly one level. */
    filters: {
      presence: (room = '+') => `${root}/${room}/peers/+`,
      /** What everyone may know of a vehicle: its presence, what it says, and what is said of it, by exact topics. */
      ofVehicle: (room: string) => [
        `${root}/${room}/peers/${room}`,
        `${root}/${room}/offer`,
        `${root}/${room}/lease`,
        `${root}/${room}/safety`,
        `${root}/${room}/telemetry`,
        `${root}/${room}/usage`,
      ],
      /** What a list of all vehicles shows. */
      fleet: () => [`${root}/+/peers/+`, `${root}/+/lease`, `${root}/+/telemetry`, `${root}/+/usage`],
      /** What the peer is sent by anyone in its room. */
      addressedTo: (room: string, peer: string) => [
        `${root}/${room}/sdp/+/${peer}`,
        `${root}/${room}/ice/+/${peer}`,
        `${root}/${room}/bye/+/${peer}`,
        `${root}/${room}/report/+/${peer}`,
      ],
      all: () => `${root}/#`,
    },

    /** The parts of a topic, or null when it is none of the protocol's or carries an id that is not one. */
    parse(topic: string): Topic | null {
      if (!topic.startsWith(`${root}/`)) return null;
      const [room, kind, first, second, ...rest] = topic.slice(root.length + 1).split('/');
      if (room === undefined || !isId(room) || rest.length > 0) return null;
      switch (kind) {
        case 'peers':
          if (first === undefined || !isId(first) || second !== undefined) return null;
          return { kind: 'presence', room, peer: first };
        case 'link':
          if (first === undefined || !isId(first) || second !== undefined) return null;
          return { kind, room, operator: first };
        case 'sdp':
        case 'ice':
        case 'bye':
        case 'report':
          if (first === undefined || second === undefined || !isId(first) || !isId(second)) return null;
          return { kind, room, from: first, to: second };
        case 'offer':
        case 'telemetry':
        case 'lease':
        case 'safety':
        case 'estop':
        case 'usage':
          return first === undefined ? { kind, room } : null;
        default:
          return null;
      }
    },
  };
}
