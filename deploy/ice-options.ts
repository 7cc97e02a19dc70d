/** The ICE servers of a command: from its `--ice-servers` and from the environment. */
import { ICE_SECRETS, ICE_VARIABLES, iceFromEnvironment } from '../broker/ice/from-environment.ts';
import type { IceSetup } from '../broker/ice/provider.ts';
import type { IceServer } from '../shared/server-api.ts';
import { OptionError } from './options.ts';

const WIDTH = 34;

/** For `--help`. */
export const ICE_HELP = `
STUN and TURN servers, from the environment only (docs/turn.md):
${Object.entries(ICE_VARIABLES)
  .map(([name, what]) => `  ${name.padEnd(WIDTH)}${what}`)
  .join('\n')}
  Secrets can be given as files, as NAME_FILE with a path:
${ICE_SECRETS.map((name) => `    ${name}_FILE`).join('\n')}`;

/** @throws OptionError */
export function iceSetup(fixed: IceServer[] | undefined): IceSetup {
  try {
    return iceFromEnvironment(process.env, fixed);
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}
