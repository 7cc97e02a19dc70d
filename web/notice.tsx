/** A page that has only something to say. */
import type { ComponentChildren } from 'preact';

interface NoticeProps {
  title: string;
  detail?: string;
  children?: ComponentChildren;
}

export function Notice({ title, detail, children }: NoticeProps) {
  return (
    <main class="notice">
      <div role="status">
        <h1>{title}</h1>
        {detail ? <p>{detail}</p> : null}
      </div>
      {children ? <div class="row">{children}</div> : null}
    </main>
  );
}
