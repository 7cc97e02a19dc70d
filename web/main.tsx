/** The one page that all addresses load: looks at its address and shows what belongs there. */
import './policy.ts';
import './style/tokens.css';
import './style/base.css';
import { render } from 'preact';
import { mayOpen, NotYours } from './access/not-yours.tsx';
import { SignIn } from './access/sign-in.tsx';
import { lazyPage } from './lazy-page.tsx';
import { Notice } from './notice.tsx';
import { route } from './router.ts';
import { fleetSettings, signedOut, you } from './settings.ts';

const Fleet = lazyPage(() => import('./fleet/page.tsx'));
const Console = lazyPage(() => import('./console/page.tsx'));
const Vehicle = lazyPage(() => import('./vehicle/page.tsx'));
const Join = lazyPage(() => import('./access/join.tsx'));
const Timeline = lazyPage(() => import('./timeline/page.tsx'));

// Every page needs them; asked for while the page's own code is on its way.
void fleetSettings();

function App() {
  const current = route.value;
  const out = signedOut.value;
  if (out && !['join', 'timeline', 'unknown'].includes(current.page))
    return <SignIn provider={out.provider} />;
  if (you.value && !mayOpen(you.value, current)) return <NotYours you={you.value} />;
  switch (current.page) {
    case 'fleet':
      return <Fleet />;
    case 'console':
      return <Console key={current.room} room={current.room} />;
    case 'vehicle':
      return <Vehicle key={current.room} room={current.room} wanted={current.wanted} />;
    case 'join':
      return <Join />;
    case 'timeline':
      return <Timeline />;
    case 'unknown':
      return (
        <Notice title="There is no such page" detail={`${current.path} leads nowhere.`}>
          <a class="button" href="/">
            To the fleet
          </a>
        </Notice>
      );
  }
}

const app = document.getElementById('app');
if (app) render(<App />, app);
