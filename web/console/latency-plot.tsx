/** The last minute of round trips, as a small plot. */
import { effect, type ReadonlySignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { HISTORY_S, type History } from './latency.ts';

const SIZE = { width: 112, height: 28 };
/** The scale reaches at least this far, ms, so that a few ms of jitter look like what they are. */
const LEAST_SCALE_MS = 20;

interface LatencyPlotProps {
  history: Signal<History>;
  /** Nobody misses a history before there is a picture. */
  calm: ReadonlySignal<boolean>;
  tone: string;
}

export function LatencyPlot({ history, calm, tone }: LatencyPlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!calm.value) return;
    let undo = () => {};
    let wanted = true;
    void Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]).then(([{ default: UPlot }]) => {
      if (!wanted || !place.current) return;
      const plot = create(UPlot, place.current);
      const unfollow = effect(() => plot.setData(history.value as uPlot.AlignedData));
      undo = () => {
        unfollow();
        plot.destroy();
      };
    });
    return () => {
      wanted = false;
      undo();
    };
  }, [calm.value]);
  return <div ref={place} class={`plot ${tone}-text`} role="img" aria-label="Latency of the last minute" />;
}

function create(UPlot: typeof uPlot, place: HTMLElement): uPlot {
  return new UPlot(
    {
      ...SIZE,
      cursor: { show: false },
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      padding: [2, 0, 2, 0],
      scales: {
        x: { time: false, range: (_, __, max) => [max - HISTORY_S, max] },
        y: { range: (_, __, max) => [0, Math.max(LEAST_SCALE_MS, (max ?? 0) * 1.2)] },
      },
      series: [{}, { stroke: () => getComputedStyle(place).color, width: 1.5, points: { show: false } }],
    },
    [[], []],
    place,
  );
}
