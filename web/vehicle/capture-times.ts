/**
 * Has the browser say with its video when each picture was taken, so that an operator knows how old what it sees
 * is: https://www.w3.org/TR/webrtc-extensions/#rtp-header-extension-control-transceiver-interface-extensions
 */
const EXTENSION = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

interface HeaderExtension {
  uri: string;
  direction: RTCRtpTransceiverDirection;
}

interface WithHeaderExtensions {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(extensions: HeaderExtension[]): void;
}

/** Does nothing in a browser that can't. */
export function sayCaptureTimes(transceiver: RTCRtpTransceiver): void {
  const { getHeaderExtensionsToNegotiate: get, setHeaderExtensionsToNegotiate: set } =
    transceiver as WithHeaderExtensions;
  if (!get || !set) return;
  const all = get.call(transceiver);
  set.call(
    transceiver,
    all.map((one) => (one.uri === EXTENSION ? { ...one, direction: 'sendrecv' } : one)),
  );
}
