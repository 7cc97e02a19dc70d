/** What both ends' reports come to, for the console. The words are loaded when there is time, or need. */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Link } from '../../shared/negotiation.ts';
import type { RoomView } from '../../shared/room-view.ts';
import type { Evidence, Verdict } from '../../shared/verdict.ts';

export interface PathVerdict {
  /** Of the session as it is; null before there is one, or when it ended for another reason. */
  now: ReadonlySignal<Verdict | null>;
  /** Of the last session that failed, until one connects; a new one is tried, and this says why. */
  failure: ReadonlySignal<Verdict | null>;
  close(): void;
}

/** @param calm time to load what the first picture doesn't need */
export function createPathVerdict(
  view: ReadonlySignal<RoomView | null>,
  calm: ReadonlySignal<boolean>,
): PathVerdict {
  const judge = signal<((evidence: Evidence) => Verdict) | null>(null);
  const failure = signal<Verdict | null>(null);
  const now = computed(() => {
    const phase = phaseOf(view.value?.link);
    if (!view.value || !judge.value || phase === null) return null;
    const { here, there } = view.value.reports;
    return judge.value({ vehicle: there, operator: here, phase, reader: 'operator' });
  });
  let asked = false;

  const undo = [
    effect(() => {
      if (asked || !(calm.value || phaseOf(view.value?.link) === 'failed')) return;
      asked = true;
      import('../../shared/verdict.ts').then(
        ({ verdict }) => {
          judge.value = verdict;
        },
        // The server is gone, or has been updated: the page goes on without.
        () => {},
      );
    }),
    effect(() => {
      if (now.value?.state === 'failed') failure.value = now.value;
      else if (view.value === null || view.value.link.phase === 'connected') failure.value = null;
    }),
  ];

  return {
    now,
    failure,
    close() {
      for (const stop of undo) stop();
    },
  };
}

function phaseOf(link: Link | undefined): Verdict['state'] | null {
  switch (link?.phase) {
    case 'connecting':
    case 'restoring':
      return 'checking';
    case 'connected':
      return 'connected';
    case 'ended':
      return link.reason === 'failed' ? 'failed' : null;
    default:
      return null;
  }
}
