/** Prometheus' text format, version 0.0.4, read strictly: what a scraper would refuse is an error here. */

export interface Scraped {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;

/** By family. @throws Error that names the line */
export function parseMetrics(text: string): Map<string, Scraped> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Scraped>();
  for (const line of text.split('\n')) {
    const [, kind, name, rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (name) {
      const family = families.get(name) ?? { type: '', help: '', samples: [] };
      if (kind === 'TYPE' && family.samples.length > 0) throw new Error(`the type comes late: ${line}`);
      family[kind === 'TYPE' ? 'type' : 'help'] = rest;
      families.set(name, family);
    } else if (line !== '') addSample(families, line);
  }
  return families;
}

function addSample(families: Map<string, Scraped>, line: string): void {
  const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? [];
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : number === 'Nan' ? Number.NaN : Number(number);
  if (name === '' || number.trim() === '' || (Number.isNaN(value) && number !== 'Nan')) {
    throw new Error(`not a sample: ${line}`);
  }
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (!family?.type) throw new Error(`a sample without a type: ${line}`);
  const sample = { name, labels: labelsOf(labels, line), value };
  const key = JSON.stringify([name, Object.entries(sample.labels).sort()]);
  if (family.samples.some((one) => JSON.stringify([one.name, Object.entries(one.labels).sort()]) === key)) {
    throw new Error(`the same sample twice: ${line}`);
  }
  family.samples.push(sample);
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`labels that make no sense: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
