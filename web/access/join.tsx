/** What an invitation's link opens. The invitation is used on a click: programs that look at links use none up. */
import { useEffect, useState } from 'preact/hooks';
import { ProblemSchema, SessionAnswerSchema } from '../../shared/server-api.ts';
import { Notice } from '../notice.tsx';
import { mayInWords, readInvitation, untilInWords } from './words.ts';

/** What another try can't help. */
const USED = /used already|expired|was ended/;

export default function JoinPage() {
  const [invitation, setInvitation] = useState(takeInvitation);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const said = readInvitation(invitation);

  // Another link that is opened in this window changes only what follows #: the page stays.
  useEffect(() => {
    const another = () => {
      if (location.hash.length < 2) return;
      setInvitation(takeInvitation());
      setProblem(null);
    };
    addEventListener('hashchange', another);
    return () => removeEventListener('hashchange', another);
  }, []);

  async function comeIn(): Promise<void> {
    setBusy(true);
    const outcome = await accept(invitation).catch(() => 'The server does not answer. Try again.');
    if (outcome instanceof URL) return location.assign(outcome);
    setProblem(outcome);
    setBusy(false);
  }

  if (!said || problem) {
    return (
      <Notice
        title={said ? 'This invitation does not let you in' : 'This is no invitation'}
        detail={`${problem ?? 'The link is not whole.'} Ask for another one where you had it from.`}
      >
        {said && !USED.test(problem ?? '') ? (
          <button type="button" disabled={busy} onClick={() => void comeIn()}>
            Try again
          </button>
        ) : null}
        <a class="button" href="/">
          To the fleet
        </a>
      </Notice>
    );
  }
  return (
    <Notice
      title={`You are invited to ${mayInWords(said)}`}
      detail={`In this browser, ${untilInWords(said.until, Date.now())}. Come in only if you know who invites you.`}
    >
      <button type="button" class="main" disabled={busy} onClick={() => void comeIn()}>
        Come in
      </button>
    </Notice>
  );
}

/** Takes it out of the address, where it would stay in the history. */
function takeInvitation(): string {
  const text = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  return text;
}

/** @returns where to go, or why not, in a sentence */
async function accept(invitation: string): Promise<URL | string> {
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ invitation }),
  });
  const body: unknown = await response.json().catch(() => null);
  const answer = SessionAnswerSchema.safeParse(body);
  if (response.ok && answer.success) return new URL(answer.data.path, location.origin);
  const said = ProblemSchema.safeParse(body);
  if (said.success) return said.data.error;
  return response.status === 404
    ? 'This server lets anybody in: open its fleet.'
    : 'The server did not say why.';
}
