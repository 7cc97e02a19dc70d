/** What the vehicle measures, under its VSS names. */
import type { Telemetry } from '../../../shared/messages.ts';
import { isVssName, VSS, type VssName } from '../../../shared/vss.ts';
import { duration, fixed } from '../../format.ts';
import type { Cockpit } from '../cockpit.ts';
import { type Fact, Facts } from './facts.tsx';

/** Telemetry comes at least once a second; older than this it is said to be old, ms. */
const OLD_MS = 1_000;

export function TelemetryList({ cockpit: { room, now } }: { cockpit: Cockpit }) {
  const view = room.view.value;
  const telemetry = view?.telemetry;
  if (!telemetry) return <p class="soft">The car has sent no telemetry yet.</p>;
  const age = now.value + (view.clock?.offset ?? 0) - telemetry.ts;
  return (
    <>
      {age > OLD_MS ? <p class="careful-text">As of {duration(age)} ago.</p> : null}
      <Facts facts={telemetryFacts(telemetry.values)} />
    </>
  );
}

/** Where one decimal for a float and none for an integer isn't what people want. */
const DECIMALS: { [Name in VssName]?: number } = {
  'Vehicle.TraveledDistance': 2,
  'Vehicle.CurrentLocation.Latitude': 6,
  'Vehicle.CurrentLocation.Longitude': 6,
  'Vehicle.CurrentLocation.HorizontalAccuracy': 1,
};

/** In the order of the specification, what it doesn't name last. */
export function telemetryFacts(values: Telemetry['values']): Fact[] {
  const known = Object.keys(VSS).filter((name) => name in values);
  const unknown = Object.keys(values).filter((name) => !isVssName(name));
  return [...known, ...unknown].map((name) => {
    const value = values[name];
    if (!isVssName(name) || typeof value !== 'number') return [name, String(value)];
    const { label, unit } = VSS[name];
    return [label, `${valueText(name, value)} ${unit}`, name];
  });
}

function valueText(name: VssName, value: number): string {
  if (name === 'Vehicle.Powertrain.Transmission.CurrentGear') return value > 0 ? 'D' : value < 0 ? 'R' : 'N';
  return fixed(value, DECIMALS[name] ?? (VSS[name].type === 'float' ? 1 : 0));
}
