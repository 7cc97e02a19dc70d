/**
 * What is taken out of messages before they leave this page: ICE passwords and DTLS fingerprints always,
 * IP addresses unless they are wanted. (Credentials of TURN servers are in no message.) Pure.
 */

const REMOVED = '[removed]';
/** RFC 8839 section 5.4, RFC 8122 section 5, RFC 4568: what follows opens the session to whoever knows it. */
const SECRET_LINE = /^(a=ice-pwd:|a=fingerprint:\S+ |a=crypto:|a=identity:)[^\r\n]*/gm;
/** RFC 8839 section 5.1: foundation, component, transport, priority, address, port, typ … raddr address. */
const CANDIDATE = /(candidate:\S+ \d+ \S+ \d+ )(\S+)/gi;
const RELATED = /( raddr )(\S+)/gi;
/** RFC 8866: connection and origin. */
const CONNECTION = /( IN IP[46] )(\S+)/g;
/** RFC 7064 and RFC 7065, where the server has no name. */
const SERVER = /\b((?:stun|turn)s?:)(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])/gi;
/** Says nothing about anybody. */
const UNSPECIFIED = new Set(['0.0.0.0', '::', '127.0.0.1']);

/** A function that hides texts of one file: the same address has the same name in all of it. */
export function createRedaction(keepAddresses: boolean): (text: string) => string {
  const names = new Map<string, string>();
  const nameOf = (address: string): string => {
    if (UNSPECIFIED.has(address)) return address;
    const known = names.get(address) ?? `[address ${names.size + 1}]`;
    names.set(address, known);
    return known;
  };
  const hide = (_match: string, before: string, address: string) => before + nameOf(address);
  return (text) => {
    const secret = text.replace(SECRET_LINE, `$1${REMOVED}`);
    if (keepAddresses) return secret;
    return secret
      .replace(CANDIDATE, hide)
      .replace(RELATED, hide)
      .replace(CONNECTION, hide)
      .replace(SERVER, hide);
  };
}

/** The same value with every text in it changed. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, mapTexts(each, change)]);
  return Object.fromEntries(entries) as T;
}
