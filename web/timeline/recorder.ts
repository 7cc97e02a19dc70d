/** The recordings of this page: there from the start, and always kept. */
import { signal } from '@preact/signals';
import { systemClock } from '../../shared/clock.ts';
import { createRecorder } from './recording.ts';

/** Grows with everything that is recorded. */
export const recorded = signal(0);

export const recorder = createRecorder(systemClock, () => {
  recorded.value++;
});
