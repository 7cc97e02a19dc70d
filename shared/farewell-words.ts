/** What the server says in a goodbye for somebody whose access is over. Consoles know the vehicle's by it. */
export const VEHICLE_OUT = {
  expired: 'the access of the vehicle has expired',
  ended: 'the access of the vehicle was ended',
} as const;
export const OPERATOR_OUT = {
  expired: 'the access of the operator has expired',
  ended: 'the access of the operator was ended',
} as const;
