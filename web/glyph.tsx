/** A state as a shape, for eyes that don't tell the colours apart. */
import type { CarState } from './fleet/cars.ts';

export type Shape = CarState | 'warning' | 'exceeded';

const SHAPES: Record<Shape, { tone: string; path: string; filled: boolean }> = {
  driven: { tone: 'careful', path: 'M3 2.2 14 8 3 13.8Z', filled: true },
  online: { tone: 'fine', path: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11Z', filled: true },
  lost: { tone: 'danger', path: 'M3 3 13 13M13 3 3 13', filled: false },
  offline: { tone: 'off', path: 'M8 3a5 5 0 1 1 0 10a5 5 0 1 1 0-10Z', filled: false },
  warning: { tone: 'careful', path: 'M8 2 15 14H1Z', filled: true },
  exceeded: { tone: 'danger', path: 'M8 1 15 8 8 15 1 8Z', filled: true },
};

export function Glyph({ state }: { state: Shape }) {
  const { tone, path, filled } = SHAPES[state];
  return (
    <svg class={`glyph ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      <path
        d={path}
        fill={filled ? 'currentColor' : 'none'}
        stroke="currentColor"
        stroke-width={filled ? 0 : 2}
      />
    </svg>
  );
}
