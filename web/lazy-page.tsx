/** Pages that are fetched when they are first needed. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { Notice } from './notice.tsx';

export function lazyPage<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>) {
  const loaded = signal<ComponentType<Props> | null>(null);
  const failed = signal(false);
  let asked = false;

  function fetchPage(): void {
    if (asked) return;
    asked = true;
    load().then(
      (module) => {
        loaded.value = module.default;
      },
      () => {
        failed.value = true;
      },
    );
  }

  return function LazyPage(props: Props) {
    fetchPage();
    const Page = loaded.value;
    if (Page) return <Page {...props} />;
    if (!failed.value) return <Notice title="Loading this page…" />;
    return (
      <Notice
        title="This page could not be loaded"
        detail="The server can't be reached, or it has been updated since you opened this window."
      >
        <button type="button" onClick={() => location.reload()}>
          Load again
        </button>
      </Notice>
    );
  };
}
