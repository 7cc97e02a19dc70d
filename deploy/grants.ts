/** Access from the command line: the server's secret and register, opened in its data folder. */
import { createIssuer, type Issuer } from '../broker/access/issue.ts';
import { accessFolder, openSecret, secretExposed } from '../broker/access/secret.ts';
import { createTokens, type Tokens } from '../broker/access/tokens.ts';
import { givenSecret } from './access-options.ts';
import { stateFolder } from './data-folder.ts';
import { OptionError } from './options.ts';

export interface Grants {
  folder: string;
  tokens: Tokens;
  issuer: Issuer;
}

export const now = (): number => Math.floor(Date.now() / 1_000);

/** @throws OptionError of one sentence when the secret can't be had */
export function openGrants(data: string | undefined, root: string): Grants {
  const folder = folderOf(data);
  try {
    const given = givenSecret(process.env);
    const exposed = given ? null : secretExposed(folder);
    if (exposed) process.stderr.write(`warning: ${exposed}\n`);
    const tokens = createTokens(given ?? openSecret(folder), root, now);
    return { folder, tokens, issuer: createIssuer(tokens, folder, now) };
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

export const folderOf = (data: string | undefined): string => accessFolder(data ?? stateFolder(process.env));

/** Runs something, and says what is wrong with what was asked for. */
export async function orOptionError<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}
