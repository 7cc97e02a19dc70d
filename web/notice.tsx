/** A page that has only something to say. */
import type { ComponentChildren } from 'preact';
import { fleetName } from './settings.ts';

interface NoticeProps {
  title: string;
  detail?: string;
  children?: ComponentChildren;
}

/** Who says it comes first: whoever has been sent a link wants to know where it leads. */
export function Notice({ title, detail, children }: NoticeProps) {
  return (
    <main class="notice">
      <p class="brand">
        <span class="mark">plntry</span>
        <span class="fleet-name">{fleetName.value ?? location.host}</span>
      </p>
      <div class="plate">
        <div role="status">
          <h1>{title}</h1>
          {detail ? <p>{detail}</p> : null}
        </div>
        {children ? <div class="row">{children}</div> : null}
      </div>
    </main>
  );
}
