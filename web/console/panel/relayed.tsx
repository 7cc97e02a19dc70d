/** What went over relays: in this session and in this month, against the budgets. */
import type { Usage } from '../../../shared/messages.ts';
import { bytes, UNKNOWN } from '../../format.ts';
import { Glyph } from '../../glyph.tsx';
import { budgetNotice, LEVEL_TONES, thisMonth, usageWords } from '../../usage-words.ts';
import type { Cockpit } from '../cockpit.ts';
import { Facts } from './facts.tsx';

export function Relayed({ cockpit }: { cockpit: Cockpit }) {
  const view = cockpit.room.view.value;
  const usage = thisMonth(view?.usage ?? null, Date.now());
  const said = usage && budgetNotice(usage);
  return (
    <div class="relayed">
      <Facts facts={[['This session', view?.path ? bytes(view.path.relayBytes) : UNKNOWN]]} />
      {usage ? (
        <>
          <Share name="This month" share={usage.car} />
          <Share name="All vehicles" share={usage.all} />
        </>
      ) : (
        <Facts facts={[['This month', UNKNOWN]]} />
      )}
      <p role="status" class={`budget-notice ${said ? `${said.tone}-text` : ''}`}>
        {said?.text}
      </p>
    </div>
  );
}

function Share({ name, share }: { name: string; share: Usage['car'] }) {
  const { level, text } = usageWords(share);
  const used = share.budgetBytes === undefined ? null : (100 * share.relayBytes) / share.budgetBytes;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>{name}</dt>
          <dd class={level === 'fine' ? '' : `${LEVEL_TONES[level]}-text`}>
            {level === 'fine' ? null : <Glyph state={level} />} {text}
          </dd>
        </div>
      </dl>
      {used === null ? null : (
        <div class={`budget-bar ${level}`} aria-hidden="true">
          <span style={{ width: `${Math.min(100, used)}%` }} />
        </div>
      )}
    </>
  );
}
