/** Who has signed in, and the way out. */
import { you } from '../settings.ts';
import { mayInWords, untilInWords } from './words.ts';

export function Account() {
  const me = you.value;
  if (!me) return null;
  return (
    <span class="account">
      <span>
        {me.name ? `${me.name}: you` : 'You'} may {mayInWords(me)} {untilInWords(me.until, Date.now())}.
      </span>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </span>
  );
}

async function signOut(): Promise<void> {
  await fetch('/api/session', { method: 'DELETE' }).catch(() => null);
  location.assign('/');
}
