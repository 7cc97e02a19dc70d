/** What happens to a page as a whole: it goes, and it may come back from the browser's cache as it was. */

/**
 * @param gone the page is being left: the last chance to say goodbye
 * @param back it is shown again, with everything that it had (bfcache)
 * @returns the undo
 */
export function onPageLife(gone: () => void, back: () => void): () => void {
  const onShow = (event: PageTransitionEvent) => event.persisted && back();
  addEventListener('pagehide', gone);
  addEventListener('pageshow', onShow);
  return () => {
    removeEventListener('pagehide', gone);
    removeEventListener('pageshow', onShow);
  };
}
