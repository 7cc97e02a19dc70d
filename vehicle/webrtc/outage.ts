/**
 * When the path is dead: what is said on `control` then must not be said late. SCTP (usrsctp) sends no message
 * of it twice, but those that it could not send at all, as nothing was acknowledged any more, it keeps, and no
 * lifetime that they are given makes it throw them away (RFC 3758, measured). So it is given none. Pure.
 */

/** Something is heard every 20 ms while somebody drives, and every 150 ms in any session. */
const SILENCE_MS = 200;

export function createOutage() {
  let unansweredSince: number | null = null;
  return {
    /** Something was said. @param now ms */
    said(now: number): void {
      unansweredSince ??= now;
    },
    /** Anything was heard. */
    heard(): void {
      unansweredSince = null;
    },
    lasts: (now: number): boolean => unansweredSince !== null && now - unansweredSince > SILENCE_MS,
  };
}
