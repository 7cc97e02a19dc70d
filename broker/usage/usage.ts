/**
 * Counts what goes over relays: listens to every vehicle's `link`, keeps the sums, and publishes `usage`
 * for each vehicle, retained, with the budget and what of it is used.
 */
import type { MqttClient } from 'mqtt';
import { type Level, levelOf } from '../../shared/budget-level.ts';
import type { Log } from '../../shared/log.ts';
import { type Body, buildMessage, parseMessage } from '../../shared/messages.ts';
import { createTopics } from '../../shared/topics.ts';
import { ALL, type Budgets, budgetOf, createCrossings, share, usageBody } from './budget.ts';
import { createLedger, MAX_ROOMS } from './ledger.ts';
import { monthOf, untilNextMonth } from './month.ts';
import { memoryOnly, openStore, type Store } from './store.ts';

/** Sums that grow are published this often, ms; a change of level is published at once. */
const PUBLISH_MS = 5_000;
/** It is looked whether a new month has begun at least this often, ms, as clocks are set now and then. */
const LONGEST_TIMER_MS = 3_600_000;
/** Different reasons that are logged. */
const MAX_SAID = 50;

export interface UsageOptions {
  /** MQTT topic root. */
  root: string;
  budgets: Budgets;
  /** Folder for the counts, and whether to go on without it when it can't be used; memory only unless given. */
  data?: { folder: string; optional: boolean } | undefined;
  /** Something was not counted. */
  onDropped?(): void;
  /** ms since the epoch; the system's clock unless given. */
  now?(): number;
}

/** The counts as they are now. */
export interface Counts {
  month: string;
  all: { bytes: number; budget: number | undefined };
  /** Vehicles with relayed data: in this month, and since the server started. */
  rooms: { room: string; bytes: number; sinceStart: number; budget: number | undefined }[];
  /** False when they would not survive the end of the process. */
  kept: boolean;
}

export interface RelayUsage {
  counts(): Counts;
  /** Stops, and saves what has not been saved yet. */
  close(): Promise<void>;
}

/**
 * Counts over an MQTT connection until closed. The connection stays the caller's.
 * @throws Error of one sentence when a folder that isn't optional can't be used
 */
export async function startUsage(client: MqttClient, options: UsageOptions, log: Log): Promise<RelayUsage> {
  const { root, budgets, now = Date.now } = options;
  const topics = createTopics(root);
  const store = await open(options.data, () => ({ ledger: ledger.save(), said: crossings.save() }), log);
  const ledger = createLedger(store.loaded?.ledger);
  const crossings = createCrossings(store.loaded?.said);
  /** Vehicles that are there, or were, with what is published of them; null: nothing yet. */
  const published = new Map<string, { text: string; level: Level } | null>();
  const due = new Set<string>();
  const complained = new Set<string>();
  let month = monthOf(now());
  const ofAll = () => share(ledger.ofAll(month), budgets.all);
  let levelOfAll = levelOf(ofAll());
  let monthTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function onMessage(topic: string, payload: Uint8Array): void {
    const parsed = topics.parse(topic);
    if (parsed?.kind === 'presence' && parsed.peer === parsed.room) presence(parsed.room, payload);
    if (parsed?.kind === 'link' && payload.byteLength > 0) link(parsed.room, parsed.operator, payload);
    if (parsed?.kind === 'usage' && payload.byteLength > 0) leftover(parsed.room);
  }

  /** What a server before this one has left on the broker, perhaps with budgets that are not any more. */
  function leftover(room: string): void {
    if (bodyOf(room) === null) send(room, '');
  }

  /** A vehicle's usage is published for as long as its presence is there, whatever that says. */
  function presence(room: string, payload: Uint8Array): void {
    if (payload.byteLength === 0) {
      if (published.delete(room)) send(room, '');
      return;
    }
    // What does not parse is housekeeping's to tell.
    const message = parseMessage('presence', payload);
    if (!message.ok || message.value.role !== 'vehicle' || published.get(room)) return;
    if (!published.has(room) && published.size >= MAX_ROOMS)
      return complain(room, `there are more than ${MAX_ROOMS} vehicles`);
    published.set(room, null);
    publish(room);
  }

  function link(room: string, operator: string, payload: Uint8Array): void {
    const message = parseMessage('link', payload);
    if (!message.ok) return complain(room, message.reason);
    const { session, relayBytes } = message.value;
    const counted = ledger.count({ room, operator, session, relayBytes }, now());
    if ('problem' in counted) return complain(room, counted.problem);
    if (counted.added === 0) return;
    store.changed();
    followMonth();
    sayCrossing(room);
    sayCrossing(ALL);
    if (levelOf(ofAll()) !== levelOfAll) publishAll();
    else if (bodyOf(room)?.level !== published.get(room)?.level) publish(room);
    else due.add(room);
  }

  function complain(room: string, reason: string): void {
    options.onDropped?.();
    const key = `${room}: ${reason.replace(/\d+/g, 'n')}`;
    if (complained.has(key) || complained.size >= MAX_SAID) return;
    complained.add(key);
    log.warn({ room, reason }, 'relayed data not counted');
  }

  function sayCrossing(scope: string): void {
    const used = scope === ALL ? ofAll() : share(ledger.ofRoom(scope, month), budgetOf(budgets, scope));
    const level = levelOf(used);
    if (!crossings.crossed(scope, level, month)) return;
    store.changed();
    const of = scope === ALL ? 'all vehicles' : scope;
    const what = level === 'exceeded' ? 'is used up' : 'is used to 80 %';
    const fields = { month, ...used, limitKbps: budgets.limitKbps };
    log.warn(
      scope === ALL ? fields : { room: scope, ...fields },
      `the budget of ${of} for relayed data ${what}`,
    );
  }

  /** Null when there is nothing to say: nothing was relayed, and there is no budget for it. */
  function bodyOf(room: string): Body<'usage'> | null {
    const [car, all] = [ledger.ofRoom(room, month), ledger.ofAll(month)];
    if (car === 0 && budgets.all === undefined && budgetOf(budgets, room) === undefined) return null;
    return usageBody(month, room, { car, all }, budgets);
  }

  function publish(room: string): void {
    due.delete(room);
    if (!published.has(room)) return;
    const body = bodyOf(room);
    const text = body && JSON.stringify(body);
    const before = published.get(room) ?? null;
    if (text === (before?.text ?? null)) return;
    published.set(room, text === null ? null : { text, level: body?.level ?? 'fine' });
    send(room, body ? buildMessage('usage', body, now()) : '');
  }

  function publishAll(): void {
    levelOfAll = levelOf(ofAll());
    for (const room of published.keys()) publish(room);
  }

  function send(room: string, payload: string): void {
    client.publish(topics.usage(room), payload, { qos: 1, retain: true }, (error) => {
      if (error && !closed) log.warn({ room, reason: error.message }, 'could not publish usage');
    });
  }

  function followMonth(): void {
    clearTimeout(monthTimer);
    monthTimer = setTimeout(followMonth, Math.min(LONGEST_TIMER_MS, untilNextMonth(now())));
    if (monthOf(now()) === month) return;
    month = monthOf(now());
    publishAll();
  }

  function onConnect(): void {
    // What the broker had stored is told anew with every connection, and may be less than before.
    published.clear();
    // MQTT.js keeps the subscription over reconnects.
  }

  client.on('connect', onConnect);
  client.on('message', onMessage);
  client.subscribe(
    [topics.filters.presence(), topics.link('+', '+'), topics.usage('+')],
    { qos: 1 },
    (error) => {
      if (error && !closed) log.warn({ reason: error.message }, 'could not subscribe to what vehicles relay');
    },
  );
  const publishTimer = setInterval(() => {
    for (const room of due) publish(room);
  }, PUBLISH_MS);
  followMonth();
  for (const [room] of ledger.rooms()) sayCrossing(room);
  sayCrossing(ALL);

  return {
    counts: () => {
      followMonth();
      return {
        month,
        all: { bytes: ledger.ofAll(month), budget: budgets.all },
        rooms: ledger
          .rooms()
          .map(([room, sinceStart]) => {
            const [bytes, budget] = [ledger.ofRoom(room, month), budgetOf(budgets, room)];
            return { room, bytes, sinceStart, budget };
          })
          .filter(({ bytes, sinceStart }) => bytes + sinceStart > 0),
        kept: store.kept,
      };
    },
    close() {
      closed = true;
      clearTimeout(monthTimer);
      clearInterval(publishTimer);
      client.off('connect', onConnect);
      client.off('message', onMessage);
      return store.close();
    },
  };
}

async function open(
  data: UsageOptions['data'],
  current: Parameters<typeof openStore>[1],
  log: Log,
): Promise<Store> {
  if (!data) return memoryOnly;
  try {
    return await openStore(data.folder, current, log);
  } catch (error) {
    if (!data.optional) throw error;
    log.warn({ reason: (error as Error).message }, 'counting relayed data in memory only');
    return memoryOnly;
  }
}
