/** Timelines on a page of their own: from files, and those of this window. Needs no car and no broker. */
import '../style/timeline.css';
import { useEffect, useState } from 'preact/hooks';
import { Choice } from './choice.tsx';
import { Diagram } from './diagram.tsx';
import { MAX_FILE, readFile } from './file.ts';
import { recorded, recorder } from './recorder.ts';
import type { Recording } from './recording.ts';

export default function TimelinePage() {
  const version = recorded.value;
  const [opened, setOpened] = useState<Recording[]>([]);
  const [chosen, setChosen] = useState<Recording | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const all = [...opened, ...recorder.recordings];
  const shown = chosen && all.includes(chosen) ? chosen : all[0];

  async function open(file: File | undefined): Promise<void> {
    if (!file) return;
    const read = file.size > MAX_FILE ? readFile(' '.repeat(MAX_FILE + 1)) : readFile(await file.text());
    if ('problem' in read) return setProblem(`${file.name}: ${read.problem}`);
    setProblem(null);
    setOpened((before) => [read.recording, ...before]);
    setChosen(read.recording);
  }

  useEffect(() => {
    document.title = 'Timeline · plntry';
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      void open(event.dataTransfer?.files[0]);
    };
    addEventListener('dragover', over);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('drop', drop);
    };
  }, []);

  return (
    <main class="timeline page">
      <header>
        <h1>Timeline</h1>
        {shown ? <Choice recordings={all} shown={shown} onShow={setChosen} /> : null}
        <label class="button">
          Open a file
          <input
            type="file"
            class="unseen"
            accept="application/json,.json"
            onChange={(event) => {
              void open(event.currentTarget.files?.[0]);
              // The same file can be chosen again.
              event.currentTarget.value = '';
            }}
          />
        </label>
        <a href="/">To the fleet</a>
      </header>
      <p role="alert" class="danger-text">
        {problem}
      </p>
      {shown ? <Diagram recording={shown} version={version} /> : <Empty />}
    </main>
  );
}

function Empty() {
  return (
    <section class="empty">
      <h2>No timeline is open</h2>
      <p>
        Choose a file that was saved in a console, under Details, Connection, Timeline; or drop it onto this
        page. It is read here, and sent nowhere.
      </p>
    </section>
  );
}
