/** For who may not be here yet. */
import { SIGN_IN_PATH } from '../../shared/server-api.ts';
import { Notice } from '../notice.tsx';

/** @param provider what people sign in with; undefined when there are only invitations */
export function SignIn({ provider }: { provider: string | undefined }) {
  const to = encodeURIComponent(location.pathname + location.search);
  return (
    <Notice
      title={provider ? 'Sign in to drive' : 'You need an invitation'}
      detail={
        provider
          ? 'Or open the link of an invitation.'
          : "Whoever runs this fleet makes one with 'plntry invite'. Open its link in this browser."
      }
    >
      {provider ? (
        // With a target the browser follows it, not this page.
        <a class="button main" href={`${SIGN_IN_PATH}?to=${to}`} target="_self">
          Sign in with {provider}
        </a>
      ) : null}
    </Notice>
  );
}
