/**
 * The telemetry names, their types and units: those of the COVESA Vehicle Signal Specification 4.
 * https://covesa.github.io/vehicle_signal_specification/
 */

/** Steering wheel angle of full lock, degrees; the simulated car's steering wheel turns one and a half times each way. */
export const FULL_LOCK_DEGREES = 540;

export const VSS = {
  'Vehicle.Speed': { type: 'float', unit: 'km/h', label: 'Speed' },
  'Vehicle.TraveledDistance': { type: 'float', unit: 'km', label: 'Distance' },
  'Vehicle.Acceleration.Longitudinal': { type: 'float', unit: 'm/s²', label: 'Acceleration' },
  'Vehicle.Acceleration.Lateral': { type: 'float', unit: 'm/s²', label: 'Lateral acceleration' },
  'Vehicle.AngularVelocity.Yaw': { type: 'float', unit: '°/s', label: 'Yaw rate' },
  'Vehicle.CurrentLocation.Latitude': { type: 'double', unit: '°', label: 'Latitude' },
  'Vehicle.CurrentLocation.Longitude': { type: 'double', unit: '°', label: 'Longitude' },
  'Vehicle.CurrentLocation.Heading': { type: 'double', unit: '°', label: 'Heading' },
  'Vehicle.CurrentLocation.HorizontalAccuracy': { type: 'double', unit: 'm', label: 'Position accuracy' },
  'Vehicle.Chassis.SteeringWheel.Angle': { type: 'int16', unit: '°', label: 'Steering wheel' },
  'Vehicle.Chassis.Accelerator.PedalPosition': { type: 'uint8', unit: '%', label: 'Throttle' },
  'Vehicle.Chassis.Brake.PedalPosition': { type: 'uint8', unit: '%', label: 'Brake' },
  'Vehicle.Powertrain.Transmission.CurrentGear': { type: 'int8', unit: '', label: 'Gear' },
  'Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed': {
    type: 'float',
    unit: '%',
    label: 'Battery',
  },
} as const satisfies Record<string, { type: string; unit: string; label: string }>;

export type VssName = keyof typeof VSS;

/** Telemetry by VSS name; a vehicle sends those that it has. */
export type VssValues = { [Name in VssName]?: number };

export const isVssName = (name: string): name is VssName => Object.hasOwn(VSS, name);
