/**
 * Every data-channel message between an operator and a vehicle, and its limits.
 *
 * Both channels are negotiated by id, so that they open without a round trip of their own
 * (RFC 8832 is not used): 0 `control`, unordered and never retransmitted; 1 `events`, reliable.
 */
import * as z from 'zod/mini';
import { check, type Parsed, SAFETY_STATES } from './messages.ts';
import { isId } from './topics.ts';

export const CHANNELS = {
  control: { id: 0, ordered: false, maxRetransmits: 0 },
  events: { id: 1, ordered: true },
} as const;

export type ChannelName = keyof typeof CHANNELS;

/** Drive commands while somebody drives, per second. */
export const COMMAND_HZ = 50;
/** The vehicle's answers on `control`, per second at least. */
export const STATE_HZ = 20;
/** `clock` events from operator to vehicle; they are the heartbeat of a session too. */
export const CLOCK_INTERVAL_MS = 250;
/** Largest data-channel message that is read, in characters. */
const MAX_CHANNEL_MESSAGE = 4096;

const number = z.number();
const count = z.int().check(z.nonnegative());
const unit = z.number().check(z.minimum(0), z.maximum(1));
const signedUnit = z.number().check(z.minimum(-1), z.maximum(1));
const reason = z.string().check(z.maxLength(200));
const id = z.string().check(z.refine(isId, { error: 'is not an id' }));

/** Operator → vehicle on `control`. */
export const CommandSchema = z.object({
  /** Grows by one with every command of a session. */
  seq: count,
  /** Operator's clock, ms since the epoch. */
  t: number,
  /** The number that the grant gave. */
  lease: count,
  /** −1…1, positive left, as VSS counts steering angles. */
  steer: signedUnit,
  throttle: unit,
  brake: unit,
  gear: z.enum(['D', 'N', 'R']),
  /** How old the picture on the operator's screen was, ms; missing where that is not known. */
  video: z.optional(z.number().check(z.nonnegative())),
});

/** Vehicle → operator on `control`: for each command, and at least {@link STATE_HZ} times a second. */
export const VehicleStateSchema = z.object({
  seq: count,
  /** Vehicle's clock, ms since the epoch. */
  t: number,
  /** `t` of the operator's last command that arrived; null before the first. */
  echo: z.nullable(number),
  /** How long ago that command arrived, ms. */
  age: number,
  /** How old it was then, ms; missing while the operator's clock is not known. */
  late: z.optional(number),
  /** m/s, negative in reverse. */
  speed: number,
  /** What the vehicle applies now. */
  steer: signedUnit,
  throttle: unit,
  brake: unit,
  gear: z.enum(['D', 'N', 'R']),
  safety: z.enum(SAFETY_STATES),
});

const at = { ts: number };

/**
 * Clock offset as in NTP, both ways: `echo` is the other's last `t`, and `held` how long ago that came, ms
 * (0 unless said: the vehicle answers at once).
 */
const clock = z.object({
  ...at,
  type: z.literal('clock'),
  t: number,
  echo: z.optional(number),
  held: z.optional(number),
});
/** To the holder: who asks for the wheel, null when nobody does any more. From the holder: that one gets it. */
const handover = z.object({ ...at, type: z.literal('handover'), peer: z.nullable(id) });

/** Operator → vehicle on `events`. What only a vehicle says is no event of an operator's, and the other way round. */
const OperatorEventSchema = z.discriminatedUnion('type', [
  /** The operator of a session that was made ahead has come. */
  z.object({ ...at, type: z.literal('enter') }),
  /** handover: if somebody drives, that one shall be asked; takeover: a supervisor's, it shall be taken from that one. */
  z.object({ ...at, type: z.literal('request'), how: z.optional(z.enum(['handover', 'takeover'])) }),
  handover,
  /** From the holder: that one does not get it. */
  z.object({ ...at, type: z.literal('decline'), peer: id }),
  z.object({ ...at, type: z.literal('release') }),
  z.object({ ...at, type: z.literal('estop'), reason: z.optional(reason) }),
  z.object({ ...at, type: z.literal('reset') }),
  clock,
  z.object({
    ...at,
    type: z.literal('stats'),
    fps: number,
    kbps: number,
    lostPackets: count,
    jitterMs: z.optional(number),
    freezes: z.optional(count),
  }),
]);

/** Vehicle → operator on `events`. */
const VehicleEventSchema = z.discriminatedUnion('type', [
  z.object({ ...at, type: z.literal('grant'), lease: count }),
  z.object({ ...at, type: z.literal('deny'), reason }),
  /** Neither granted nor denied yet: what it waits for. */
  z.object({ ...at, type: z.literal('wait'), reason }),
  handover,
  z.object({ ...at, type: z.literal('revoke'), reason }),
  clock,
  /** m/s; without a reason it is the vehicle's own. */
  z.object({ ...at, type: z.literal('limits'), maxSpeed: number, reason: z.optional(reason) }),
]);

export type Command = z.infer<typeof CommandSchema>;
export type VehicleState = z.infer<typeof VehicleStateSchema>;
export type OperatorEvent = z.infer<typeof OperatorEventSchema>;
export type VehicleEvent = z.infer<typeof VehicleEventSchema>;
export type ChannelEvent = OperatorEvent | VehicleEvent;
export type Limits = Pick<Extract<VehicleEvent, { type: 'limits' }>, 'maxSpeed' | 'reason'>;
export type SafetyState = VehicleState['safety'];
export type Gear = Command['gear'];

export const parseCommand = (text: string): Parsed<Command> => parse(CommandSchema, text);
export const parseVehicleState = (text: string): Parsed<VehicleState> => parse(VehicleStateSchema, text);
export const parseOperatorEvent = (text: string): Parsed<OperatorEvent> => parse(OperatorEventSchema, text);
export const parseVehicleEvent = (text: string): Parsed<VehicleEvent> => parse(VehicleEventSchema, text);

function parse<T>(schema: z.ZodMiniType<T>, text: string): Parsed<T> {
  if (text.length > MAX_CHANNEL_MESSAGE) return { ok: false, reason: `is ${text.length} characters long` };
  try {
    return check(schema, JSON.parse(text));
  } catch {
    return { ok: false, reason: 'is not JSON' };
  }
}
