/**
 * A window of its own for a connection. Browsers tell a page late that the machine has other addresses
 * (Chromium's NetworkChangeNotifier waits 2 s on Linux, 0.5 to 1.5 s elsewhere), and until then its
 * connections find none that works; a window that has just been made asks for them anew.
 */
export interface FreshWindow {
  RTCPeerConnection: typeof RTCPeerConnection;
  /** Ends its connections. */
  close(): void;
}

export function freshWindow(): FreshWindow {
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.title = 'Keeps a connection';
  document.body.append(frame);
  const inner = frame.contentWindow as (Window & typeof globalThis) | null;
  return {
    RTCPeerConnection: inner?.RTCPeerConnection ?? RTCPeerConnection,
    close: () => frame.remove(),
  };
}

/** Those of TCP are gathered after those of UDP, and wait for nothing; one of UDP may still be on its way, ms. */
const GRACE_MS = 50;

/**
 * Whether this page's connections know an address of this machine that is still there: a socket can be
 * opened only there. Browsers that use no UDP at all are taken for connected.
 */
export function createAddressCheck() {
  let hadOne = false;
  let stranded = false;
  let asking = false;

  async function ask(): Promise<void> {
    if (asking) return;
    asking = true;
    const found = await findsUdp().finally(() => {
      asking = false;
    });
    hadOne ||= found;
    stranded = hadOne && !found;
  }

  return {
    /** A connection has found one, so that it can be missed. */
    known(): void {
      hadOne = true;
    },
    /** Looks again; what comes of it shows in `stranded` some 10 to 200 ms later. */
    ask: () => void ask().catch(() => {}),
    stranded: () => stranded,
  };
}

async function findsUdp(): Promise<boolean> {
  const connection = new RTCPeerConnection();
  try {
    connection.createDataChannel('');
    const found = new Promise<boolean>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.protocol === 'udp') resolve(true);
        else setTimeout(resolve, candidate ? GRACE_MS : 0, false);
      };
    });
    await connection.setLocalDescription();
    return await found;
  } finally {
    connection.close();
  }
}
