/** What this browser keeps for this server over the end of a page; a page that may keep nothing has it while it lasts. */

const kept = new Map<string, string>();

export function readKept(name: string): string | null {
  try {
    return localStorage.getItem(`plntry.${name}`) ?? kept.get(name) ?? null;
  } catch {
    return kept.get(name) ?? null;
  }
}

export function keep(name: string, text: string): void {
  kept.set(name, text);
  try {
    localStorage.setItem(`plntry.${name}`, text);
  } catch {
    // Not allowed, or full.
  }
}
