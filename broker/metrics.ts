/**
 * What the server measures, in Prometheus' format. Parts of the server are handed the counters of
 * `Metrics` and count events; what is a state is set when somebody asks.
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
  vehiclesOnline: number;
  /** Connected ones, between a vehicle and an operator. */
  sessions: number;
  /** Of the limits that are of the whole server. */
  used: Partial<Record<LimitName, number>>;
  /** When the TLS certificate in use ends, ms since the epoch; null without one. */
  certificateEnds: number | null;
}

export type Metrics = ReturnType<typeof createMetrics>;

/** @param limits that are in force */
export function createMetrics(limits: Limits) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers });

  const relayed = counter('plntry_relay_bytes_total', 'Relayed bytes since the server started.', 'room');
  const month = gauge('plntry_relay_month_bytes', 'Relayed bytes in this month (UTC).', 'room');
  const monthAll = gauge('plntry_relay_month_all_bytes', 'Relayed bytes of all vehicles in this month.');
  const budget = gauge('plntry_relay_budget_bytes', 'Budget for a month.', 'scope', 'room');
  const kept = gauge('plntry_relay_counts_kept', '1 when the counts survive a restart, 0 when not.');
  const clients = gauge('plntry_mqtt_clients', 'MQTT clients of the built-in broker; −1 with another one.');
  const vehicles = gauge('plntry_vehicles_online', 'Vehicles that are online.');
  const sessions = gauge('plntry_sessions', 'Connected sessions between vehicles and operators.');
  const certificate = gauge(
    'plntry_tls_certificate_end_timestamp_seconds',
    'When the TLS certificate in use ends, in seconds since the epoch; 0 without TLS.',
  );

  const hits = counter('plntry_limit_hits_total', 'How often somebody went over a limit.', 'limit');
  const used = gauge('plntry_limit_used', 'What is used of a limit of the whole server.', 'limit');
  const allowed = gauge(
    'plntry_limit',
    'Limits in force; those per role have the role too.',
    'limit',
    'role',
  );
  for (const name of LIMIT_NAMES) {
    hits.inc({ limit: kebab(name) }, 0);
    const value = limits[name];
    if (typeof value === 'number') allowed.set({ limit: kebab(name) }, value);
    else for (const [role, rate] of Object.entries(value)) allowed.set({ limit: kebab(name), role }, rate);
  }

  function set(snapshot: Snapshot): void {
    const {
      usage,
      mqttClients,
      vehiclesOnline,
      sessions: connected,
      certificateEnds,
      used: inUse,
    } = snapshot;
    for (const metric of [relayed, month, budget]) metric.reset();
    for (const { room, bytes, sinceStart, budget: ofRoom } of usage.rooms) {
      relayed.inc({ room }, sinceStart);
      month.set({ room }, bytes);
      if (ofRoom !== undefined) budget.set({ scope: 'car', room }, ofRoom);
    }
    if (usage.all.budget !== undefined) budget.set({ scope: 'all' }, usage.all.budget);
    monthAll.set(usage.all.bytes);
    kept.set(Number(usage.kept));
    clients.set(mqttClients ?? -1);
    vehicles.set(vehiclesOnline);
    sessions.set(connected);
    for (const name of LIMIT_NAMES) {
      const value = inUse[name];
      if (value !== undefined) used.set({ limit: kebab(name) }, value);
    }
    certificate.set((certificateEnds ?? 0) / 1_000);
  }

  return {
    limitHit: (name: LimitName) => hits.inc({ limit: kebab(name) }),
    /** Reports of relayed bytes that were not believed, or did not parse. */
    relayDropped: counter('plntry_relay_reports_dropped_total', 'Reports of relayed bytes not counted.'),
    /** Label `provider`. */
    iceFailures: counter(
      'plntry_ice_provider_failures_total',
      'Requests that a provider of ICE servers failed to answer.',
      'provider',
    ),
    http: new Histogram({
      name: 'plntry_http_request_duration_seconds',
      help: 'How long HTTP requests took.',
      labelNames: ['route', 'method', 'status'],
      buckets: HTTP_BUCKETS_S,
      registers,
    }),
    contentType: registry.contentType,
    text(snapshot: Snapshot): Promise<string> {
      set(snapshot);
      return registry.metrics();
    },
  };
}
