/**
 * The topics of a drive log, and the JSON Schema of what is said on each. Schemas keep to what Foxglove reads of
 * JSON Schema: no `anyOf`, no nullable types. So a text is empty, and a number missing, where there is nothing to say.
 */
import { SAFETY_STATES } from '../../shared/messages.ts';
import { VSS } from '../../shared/vss.ts';
import { COMPRESSED_VIDEO, LOCATION_FIX } from './foxglove.ts';

export interface JsonSchema {
  type: 'object' | 'string' | 'number' | 'integer' | 'boolean' | 'array';
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: readonly string[];
  [more: string]: unknown;
}

export interface Topic {
  /** Begins with a slash. */
  name: string;
  /** Foxglove knows some schemas by their name. */
  schemaName: string;
  schema: JsonSchema;
}

const text = (description: string): JsonSchema => ({ type: 'string', description });
const number = (description: string): JsonSchema => ({ type: 'number', description });
const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description });
const yes = (description: string): JsonSchema => ({ type: 'boolean', description });
const oneOf = (values: readonly string[], description: string): JsonSchema => ({
  type: 'string',
  enum: values,
  description,
});

/** @param optional of the properties */
function object(properties: Record<string, JsonSchema>, optional: string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}

const operator = text('id of the operator');
const actuation = {
  steer: number('−1…1, positive left'),
  throttle: number('0…1'),
  brake: number('0…1'),
  gear: oneOf(['D', 'N', 'R'], 'gear'),
};

const SCHEMAS = {
  '/command/received': [
    'plntry.CommandReceived',
    object(
      {
        operator,
        seq: count('grows by one with every command of a session'),
        t: number('when it was sent, by the operator’s clock, ms since the epoch'),
        lease: count('number of the lease that it was sent under'),
        ...actuation,
        video: number('how old the picture was that the operator saw, ms; missing where it did not say'),
        age: number('how old it was when it came, ms; missing while the clocks were not known'),
        dropped: text('why it moved nothing; empty when it counted'),
      },
      ['age', 'video'],
    ),
  ],
  '/command/applied': [
    'plntry.CommandApplied',
    object({ ...actuation, state: oneOf(SAFETY_STATES, 'safety state that it comes from') }),
  ],
  '/lease': [
    'plntry.Lease',
    object({
      holder: text('who drives; empty for nobody'),
      number: count('grows with every grant'),
      asked: yes('the holder has asked for it'),
    }),
  ],
  '/safety': [
    'plntry.Safety',
    object({
      state: oneOf(SAFETY_STATES, 'safety state'),
      reason: text('why; empty where the state says it all'),
      driver: text('who drives; empty for nobody'),
    }),
  ],
  '/session': [
    'plntry.Session',
    object({ operator, phase: text('phase of the session'), detail: text('why; may be empty') }),
  ],
  '/event': [
    'plntry.Event',
    object({
      operator,
      direction: oneOf(['received', 'sent'], 'as the vehicle sees it'),
      type: text('as in docs/protocol.md; its other fields are beside this one'),
    }),
  ],
  '/latency': [
    'plntry.Latency',
    object(
      {
        operator,
        commandAgeMs: number('greatest age of a command in the last second, ms'),
        rttMs: number('round trip of the path, ms'),
        videoAgeMs: number('age of the picture that the operator sees, ms'),
      },
      ['commandAgeMs', 'rttMs', 'videoAgeMs'],
    ),
  ],
  '/link': [
    'plntry.Link',
    object({
      operator,
      path: text('host, srflx, prflx or relay'),
      protocol: text('udp or tcp'),
      rttMs: number('round trip, ms'),
      lossPct: number('packets lost on the way to the operator in the last second, percent'),
      kbps: number('video sent in the last second, kbit/s'),
      relayBytes: count('bytes over relays in this session'),
    }),
  ],
  '/limits': [
    'plntry.Limits',
    object({ maxSpeed: number('speed limit, as it is told to operators'), reason: text('why') }),
  ],
  '/telemetry': ['plntry.Telemetry', telemetrySchema()],
  '/location': ['foxglove.LocationFix', LOCATION_FIX],
  '/video': ['foxglove.CompressedVideo', COMPRESSED_VIDEO],
  '/gap': [
    'plntry.Gap',
    object({
      messages: count('messages that are not in the log since the one before'),
      reason: text('why they could not be kept'),
    }),
  ],
} as const satisfies Record<string, readonly [string, JsonSchema]>;

export type TopicName = keyof typeof SCHEMAS;

/** All of them; a topic's place in the list is the id of its channel. */
export const TOPICS: readonly (Topic & { name: TopicName })[] = Object.entries(SCHEMAS).map(
  ([name, [schemaName, schema]]) => ({
    name: name as TopicName,
    schemaName,
    schema: { title: schemaName, ...schema },
  }),
);

export const isTopicName = (name: string): name is TopicName => Object.hasOwn(SCHEMAS, name);

/** Nested as VSS is, so that the path to a value is its name: `/telemetry.Vehicle.Speed`. */
function telemetrySchema(): JsonSchema {
  const root: JsonSchema = { type: 'object', properties: {} };
  for (const [name, { unit, label }] of Object.entries(VSS)) {
    const steps = name.split('.');
    const last = steps.pop() as string;
    let node = root;
    for (const step of steps) {
      node.properties ??= {};
      node.properties[step] ??= { type: 'object', properties: {} };
      node = node.properties[step];
    }
    if (node.properties) node.properties[last] = number(unit ? `${label}, ${unit}` : label);
  }
  return root;
}
