/** The map itself: a plain grid, the way taken, and the car. No tiles, so no third party learns where it is. */
import 'leaflet/dist/leaflet.css';
import * as L from 'leaflet';
import { extend, type Position } from './track.ts';

const ZOOM = { first: 18, min: 12, max: 21 };

class Grid extends L.GridLayer {
  protected override createTile(): HTMLElement {
    return L.DomUtil.create('div', 'map-grid');
  }
}

export function createTrackMap(place: HTMLElement) {
  const map = L.map(place, {
    attributionControl: false,
    zoomControl: false,
    // The arrow keys drive.
    keyboard: false,
    zoomAnimation: false,
    fadeAnimation: false,
    minZoom: ZOOM.min,
    maxZoom: ZOOM.max,
  });
  new Grid({ tileSize: 64 }).addTo(map);
  // Signs as text: markup is refused (policy.ts).
  L.control.zoom({ zoomInText: '+', zoomOutText: '−' }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 96 }).addTo(map);
  const line = L.polyline([], { className: 'map-track', weight: 3, interactive: false }).addTo(map);
  const arrow = document.createElement('div');
  arrow.className = 'map-car';
  const icon = L.divIcon({ html: arrow, className: '', iconSize: [22, 22] });
  const car = L.marker([0, 0], { icon, interactive: false, keyboard: false });
  let track: Position[] = [];
  /** Until a hand moves the map away. */
  let following = true;

  map.on('dragstart', () => {
    following = false;
  });
  map.on('dblclick', () => {
    following = true;
  });
  map.doubleClickZoom.disable();
  const resizing = new ResizeObserver(() => map.invalidateSize({ pan: false }));
  resizing.observe(place);

  return {
    show(position: Position): void {
      const at: L.LatLngTuple = [position.latitude, position.longitude];
      const first = track.length === 0;
      const longer = extend(track, position);
      if (first) {
        map.setView(at, ZOOM.first);
        car.setLatLng(at).addTo(map);
      }
      if (longer !== track) {
        track = longer;
        line.setLatLngs(track.map(({ latitude, longitude }): L.LatLngTuple => [latitude, longitude]));
      }
      car.setLatLng(at);
      arrow.classList.toggle('no-heading', position.heading === null);
      arrow.style.rotate = `${position.heading ?? 0}deg`;
      if (following && !first) map.panTo(at, { animate: false });
    },
    close(): void {
      resizing.disconnect();
      map.remove();
    },
  };
}
