/** What a broker or a web server means that does not let the doctor in, and what to do about it. Pure. */

/** What the doctor logs in with: a token, the login in an address, or nothing. */
export type Login = 'token' | 'address' | 'none';

/** MQTT 3.1.1, table 3.1: bad user name or password, and not authorized. */
export const NOT_LET_IN = [4, 5];

const WANTED = 'it lets in only who has a token or another login';
const NOT_TAKEN = 'it does not take the token';
const WRONG_ROLE = 'the token is none of a vehicle, an operator or a supervisor';

/** A clause. @param code of MQTT, one of {@link NOT_LET_IN} */
export function refusedByBroker(code: number, login: Login): string {
  const why = { token: NOT_TAKEN, address: 'it does not take the login in the address', none: WANTED };
  return `${why[login]} (${code})`;
}

/** A clause. @param status of HTTP */
export function refusedByServer(status: number, login: Login): string {
  if (status === 401) return `${login === 'token' ? NOT_TAKEN : WANTED} (401)`;
  if (status === 403 && login === 'token') return `${WRONG_ROLE} (403)`;
  return `it answered with status ${status}`;
}

/** @param detail a clause of those above, or any other */
export function loginAdvice(detail: string): string {
  if (detail.startsWith(WANTED))
    return "Make a token on the server, such as 'plntry token car1 --out car1.token', and give it with --token-file or PLNTRY_TOKEN; another broker’s login goes into its address.";
  if (detail.startsWith(NOT_TAKEN))
    return "It may have expired, been ended, or be another server’s: 'plntry revoke --list' shows there which ones count, and 'plntry token' makes a new one.";
  if (detail.startsWith(WRONG_ROLE)) return "Make another one on the server: 'plntry token car1', for one.";
  return 'Check the address, and the login if it has one.';
}
