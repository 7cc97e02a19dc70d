/** What a client of the broker says to be let in, and how it gets the next when that runs out. */

export interface Credentials {
  /** Of the next CONNECT; null when there are none. */
  current(): { username: string; password: string } | null;
  /** How long they are still good, ms, less what renewing them may take; infinite for those that aren't renewed. */
  remaining(): number;
  /** Gets others. Resolves with null when they are there, or with why there will be none any more; rejects to be asked again. */
  renew(): Promise<string | null>;
}

/** Those that never change. */
export function fixedCredentials(username: string, password: string): Credentials {
  return {
    current: () => ({ username, password }),
    remaining: () => Number.POSITIVE_INFINITY,
    renew: async () => 'the broker does not take its token',
  };
}
