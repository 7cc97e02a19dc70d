import { onTestFinished, test } from 'vitest';
import { chromium } from 'playwright-core';
import * as h from '../helpers/chromium.ts';
import { startTurnServer } from '../helpers/turn-server.ts';
import { vehiclePeer } from './operator-end.ts';

test.each(['udp','tcp'] as const)('chromium relay %s', async (way) => {
  const turn = await startTurnServer();
  const loop = (): void => void turn.prints(/session|closed|error|peer|permission|CHANNEL|user/i).then((l) => { console.log('turn:', l); loop(); });
  loop();
  const browser = await chromium.launch({...h.CHROMIUM, args: [...h.CHROMIUM.args, '--enable-logging=stderr', '--vmodule=*/webrtc/*=4,*webrtc*=4,*turn*=4,*dtls*=4,*p2p*=4', '--v=0']});
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const car = vehiclePeer({ iceServers: () => (process.env.RELAY ? turn.servers([turn[process.env.RELAY as 'udp']]) : []) });
  const [s] = turn.servers([turn[way]]);
  const offer = await car.peer.createOffer(false);
  await page.exposeFunction('candidate', (c: any) => { console.log('chrome:', c.candidate); return car.peer.addCandidate(c)});
  const answer = await page.evaluate(async ({ offer, s }) => {
    const pc = new RTCPeerConnection({ iceServers: [s as any], iceTransportPolicy: 'relay', bundlePolicy: 'max-bundle' });
    (window as any).pc = pc;
    pc.createDataChannel('control', { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 });
    pc.createDataChannel('events', { negotiated: true, id: 1 });
    pc.onicecandidate = (e) => e.candidate && (window as any).candidate(e.candidate.toJSON());
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    const a = await pc.createAnswer();
    await pc.setLocalDescription(a);
    return a.sdp;
  }, { offer, s });
  await car.peer.acceptAnswer(answer!);
  for (let i = 0; i < 30; i++) { for (const c of car.candidates.splice(0)) { if (process.env.RELAY && !c.includes('typ relay')) continue; console.log('car:', c); await page.evaluate((c) => (window as any).pc.addIceCandidate({ candidate: c, sdpMid: '0', sdpMLineIndex: 0 }), c); } await new Promise(r=>setTimeout(r,50)); if (car.said.includes('open')) break; }
  console.log(car.said, car.reports.at(-1));
  console.log(await page.evaluate(() => { const pc = (window as any).pc; return [pc.iceConnectionState, pc.connectionState, pc.iceGatheringState].join(); }));
  console.log(await page.evaluate(async () => JSON.stringify([...(await (window as any).pc.getStats()).values()].filter((x: any) => /candidate-pair|remote-cand|local-cand/.test(x.type)))));
}, 60000);
