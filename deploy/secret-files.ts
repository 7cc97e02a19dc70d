/** Secrets as files, the way container platforms hand them out: NAME_FILE holds the path of NAME's value. */
import { readFileSync } from 'node:fs';
import { ICE_SECRETS } from '../broker/ice/from-environment.ts';
import { ACCESS_SECRET, TOKEN } from './access-options.ts';
import { OIDC_SECRET } from './oidc-options.ts';

type Environment = Record<string, string | undefined>;

/** The variables that may come from a file. */
export const SECRETS: readonly string[] = [...ICE_SECRETS, ACCESS_SECRET, OIDC_SECRET, TOKEN];

/**
 * Reads the files and sets the variables that they stand for, so that nobody else needs to know.
 * @returns what is wrong, in a sentence without a secret; null when nothing is
 */
export function readSecretFiles(environment: Environment): string | null {
  for (const name of SECRETS) {
    const variable = `${name}_FILE`;
    const path = environment[variable];
    if (!path) continue;
    if (environment[name]) return `${name} and ${variable} are both given; one is enough.`;
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') return `${variable}: the file '${path}' is empty.`;
      environment[name] = text;
    } catch (error) {
      return `${variable}: the file '${path}' can't be read (${(error as NodeJS.ErrnoException).code}).`;
    }
    delete environment[variable];
  }
  return null;
}
