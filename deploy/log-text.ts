/** A drive log as text: one line for a message, one for a file. */
import { printable, printableJson } from '../shared/printable.ts';
import { VSS, type VssName } from '../shared/vss.ts';

type Fields = Record<string, unknown>;

/** What of the telemetry goes into a line; all of it is in --json. */
const TELLING: VssName[] = [
  'Vehicle.Speed',
  'Vehicle.Chassis.SteeringWheel.Angle',
  'Vehicle.Chassis.Accelerator.PedalPosition',
  'Vehicle.Chassis.Brake.PedalPosition',
  'Vehicle.Powertrain.Transmission.CurrentGear',
];
const LONGEST_TOPIC = '/command/received'.length;
/** A unit of H.264 that comes with key frames only: the sequence parameter set. */
const SPS = 7;

const WORDS: Record<string, (fields: Fields) => string> = {
  '/command/received': (of) =>
    listed([
      `${of.operator} #${of.seq} ${controls(of)}`,
      of.age !== undefined && `${of.age} ms old`,
      of.dropped && `dropped: ${of.dropped}`,
    ]),
  '/command/applied': (of) => `${controls(of)}, ${of.state}`,
  '/lease': ({ holder, number, asked }) =>
    holder ? `${holder} drives, lease ${number}${asked ? ', asked for' : ''}` : 'nobody drives',
  '/safety': ({ state, reason, driver }) =>
    listed([reason ? `${state}: ${reason}` : `${state}`, driver && `${driver} drives`]),
  '/session': ({ operator, phase, detail }) => `${operator} ${phase}${detail ? `: ${detail}` : ''}`,
  '/event': ({ operator, direction, type, ts: _, ...more }) =>
    `${direction === 'sent' ? 'to' : 'from'} ${operator}: ${[type, ...pairs(more)].join(' ')}`,
  '/latency': (of) =>
    `${of.operator}: ${listed([
      of.commandAgeMs !== undefined && `commands up to ${of.commandAgeMs} ms old`,
      of.rttMs !== undefined && `round trip ${of.rttMs} ms`,
      of.videoAgeMs !== undefined && `picture ${of.videoAgeMs} ms old`,
    ])}`,
  '/link': (of) =>
    `${of.operator}: ${of.path} ${of.protocol}, round trip ${of.rttMs} ms, lost ${of.lossPct} %, ${of.kbps} kbit/s, relayed ${of.relayBytes} bytes`,
  '/limits': ({ maxSpeed, reason }) => `at most ${maxSpeed}: ${reason}`,
  '/telemetry': (of) =>
    listed(
      TELLING.map((name) => {
        const value = inside(of, name);
        return typeof value === 'number' && [VSS[name].label, round(value), VSS[name].unit].join(' ').trim();
      }),
    ),
  '/location': ({ latitude, longitude }) => `${latitude} ${longitude}`,
  '/video': ({ data }) => {
    const picture = Buffer.from(String(data), 'base64');
    return `${picture.length} bytes${((picture[4] ?? 0) & 31) === SPS ? ', key frame' : ''}`;
  },
  '/gap': ({ messages, reason }) => `${messages} messages are missing: ${reason}`,
};

/** @param time ns since the epoch */
export function lineOf(topic: string, time: bigint, fields: Fields): string {
  const words = WORDS[topic]?.(fields) ?? pairs(fields).join(' ');
  return printable(`${isoTime(time)} ${topic.padEnd(LONGEST_TOPIC)} ${words}`);
}

/** The same for programs: one JSON object. */
export const jsonLineOf = (topic: string, time: bigint, message: Fields): string =>
  printableJson(JSON.stringify({ time: isoTime(time), topic, message }));

const isoTime = (time: bigint): string => new Date(Number(time / 1_000_000n)).toISOString();

const controls = ({ steer, throttle, brake, gear }: Fields): string =>
  `steer ${round(steer)} throttle ${round(throttle)} brake ${round(brake)} ${gear}`;

const round = (value: unknown): number => Math.round(Number(value) * 1_000) / 1_000;

const listed = (parts: unknown[]): string => parts.filter(Boolean).join(', ');

const pairs = (fields: Fields): string[] =>
  Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );

const inside = (fields: Fields, name: string): unknown =>
  name.split('.').reduce<unknown>((value, step) => (value as Fields | undefined)?.[step], fields);

/** `1h02m`, `10m00s`, `3.2s`. */
export function durationOf(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`;
}

export const sizeOf = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** Columns as wide as their widest. */
export function tableOf(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, n) => printable(cell).padEnd(widths[n] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
