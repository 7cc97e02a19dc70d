/** The month of the calendar in UTC, as `2027-05`. @param at ms since the epoch */
export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

/** How long the month that a time is in still lasts, ms. */
export function untilNextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1) - at;
}
