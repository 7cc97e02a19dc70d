/**
 * What the server measures, in Prometheus' format. Parts of the server are handed the counters of
 * `Metrics` and count events; what is a state is set when somebody asks. Who may see some rooms only is shown those,
 * and nothing that is summed up over all.
 *
 * Label values are few by construction: rooms are those that the ledger keeps, routes are a fixed list.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { kebab, LIMIT_NAMES, type LimitName, type Limits } from './limits/limits.ts';
import type { Counts } from './usage/usage.ts';

/** Answers are files and small JSON, seconds. */
const HTTP_BUCKETS_S = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];

/** States, as they are when somebody asks. */
export interface Snapshot {
  usage: Counts;
  /** Null with an external broker, which knows it itself. */
  mqttClients: number | null;
  /** Of the rooms that are shown. */
  vehiclesOnline: number;
  /** The same of connected sessions, between a vehicle and an operator. */
  sessions: number;
  /** Of the limits that are of the whole server. */
  used: Partial<Record<LimitName, number>>;
  /** When the TLS certificate in use ends, ms since the epoch; null without one. */
  certificateEnds: number | null;
}

/** Whether somebody may see what is of one room. */
export type SeesRoom = (room: string) => boolean;

export type Metrics = ReturnType<typeof createMetrics>;

/** @param limits that are in force */
export function createMetrics(limits: Limits) {
  /** Of the server as such. */
  const registry = new Registry();
  /** Sums over all rooms. */
  const sums = new Registry();
  collectDefaultMetrics({ register: registry });
  const kept = gauge(
    registry,
    'plntry_relay_counts_kept',
    '1 when the counts survive a restart, 0 when not.',
  );
  const certificate = gauge(
    registry,
    'plntry_tls_certificate_end_timestamp_seconds',
    'When the TLS certificate in use ends, in seconds since the epoch; 0 without TLS.',
  );
  const allowed = gauge(
    registry,
    'plntry_limit',
    'Limits in force; those per role have the role too.',
    'limit',
    'role',
  );
  const monthAll = gauge(
    sums,
    'plntry_relay_month_all_bytes',
    'Relayed bytes of all vehicles in this month.',
  );
  const clients = gauge(
    sums,
    'plntry_mqtt_clients',
    'MQTT clients of the built-in broker; −1 with another one.',
  );
  const hits = counter(sums, 'plntry_limit_hits_total', 'How often somebody went over a limit.', 'limit');
  const used = gauge(sums, 'plntry_limit_used', 'What is used of a limit of the whole server.', 'limit');
  for (const name of LIMIT_NAMES) {
    hits.inc({ limit: kebab(name) }, 0);
    const value = limits[name];
    if (typeof value === 'number') allowed.set({ limit: kebab(name) }, value);
    else for (const [role, rate] of Object.entries(value)) allowed.set({ limit: kebab(name), role }, rate);
  }

  function set({ usage, mqttClients, certificateEnds, used: inUse }: Snapshot): void {
    monthAll.set(usage.all.bytes);
    kept.set(Number(usage.kept));
    clients.set(mqttClients ?? -1);
    for (const name of LIMIT_NAMES) {
      const value = inUse[name];
      if (value !== undefined) used.set({ limit: kebab(name) }, value);
    }
    certificate.set((certificateEnds ?? 0) / 1_000);
  }

  return {
    limitHit: (name: LimitName) => hits.inc({ limit: kebab(name) }),
    /** Reports of relayed bytes that were not believed, or did not parse. */
    relayDropped: counter(
      sums,
      'plntry_relay_reports_dropped_total',
      'Reports of relayed bytes not counted.',
    ),
    /** Label `provider`. */
    iceFailures: counter(
      registry,
      'plntry_ice_provider_failures_total',
      'Requests that a provider of ICE servers failed to answer.',
      'provider',
    ),
    http: new Histogram({
      name: 'plntry_http_request_duration_seconds',
      help: 'How long HTTP requests took.',
      labelNames: ['route', 'method', 'status'],
      buckets: HTTP_BUCKETS_S,
      registers: [registry],
    }),
    contentType: registry.contentType,
    /** @param sees the rooms that are shown; null shows all, and what is summed up over all */
    text(snapshot: Snapshot, sees: SeesRoom | null): Promise<string> {
      set(snapshot);
      const parts = [registry, roomsOf(snapshot, sees), ...(sees === null ? [sums] : [])];
      return Registry.merge(parts).metrics();
    },
  };
}

/** Made for each scrape: two at a time may see different rooms. */
function roomsOf({ usage, vehiclesOnline, sessions }: Snapshot, sees: SeesRoom | null): Registry {
  const registry = new Registry();
  const relayed = counter(
    registry,
    'plntry_relay_bytes_total',
    'Relayed bytes since the server started.',
    'room',
  );
  const month = gauge(registry, 'plntry_relay_month_bytes', 'Relayed bytes in this month (UTC).', 'room');
  const budget = gauge(registry, 'plntry_relay_budget_bytes', 'Budget for a month.', 'scope', 'room');
  for (const { room, bytes, sinceStart, budget: ofRoom } of usage.rooms) {
    if (sees && !sees(room)) continue;
    relayed.inc({ room }, sinceStart);
    month.set({ room }, bytes);
    if (ofRoom !== undefined) budget.set({ scope: 'car', room }, ofRoom);
  }
  if (!sees && usage.all.budget !== undefined) budget.set({ scope: 'all' }, usage.all.budget);
  gauge(registry, 'plntry_vehicles_online', 'Vehicles that are online.').set(vehiclesOnline);
  gauge(registry, 'plntry_sessions', 'Connected sessions between vehicles and operators.').set(sessions);
  return registry;
}

const counter = (registry: Registry, name: string, help: string, ...labelNames: string[]) =>
  new Counter({ name, help, labelNames, registers: [registry] });

const gauge = (registry: Registry, name: string, help: string, ...labelNames: string[]) =>
  new Gauge({ name, help, labelNames, registers: [registry] });
