"""A line between two TUN devices with a rate, a drop-tail queue, a delay and loss, each way.

    shaper.py <device> <device>

Makes both devices in its own network namespace (they stay attached when moved into others) and carries
packets between them until stdin ends. "up" is from the first device to the second, "down" the other way.
Commands are JSON lines on stdin, each answered by a JSON line on stdout:

    {"set": {"up": {"kbps": 800, "queueMs": 500, "delayMs": 25, "lossPct": 0}, "down": {...}, "cut": false}}
    {"stats": {"reset": true}}

kbps 0 is no limit. "hold": true in one direction keeps back all that comes, and false lets it go at once. Times are ms on CLOCK_MONOTONIC.
"""
import fcntl, gc, json, os, random, select, struct, sys, time
from collections import deque

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MAX_PACKET = 65_535
SAMPLE_MS = 100
# The queue counts as full from this part of its length on: a packet more may not fit.
FULL = 0.9
HISTORY_SAMPLES = 36_000
# Of what is held back; what comes when it is full is lost.
MOST_HELD_BYTES = 32_000_000


def now():
    return time.monotonic_ns() / 1e6


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Way:
    """One direction: a queue in front of the bottleneck, and the packets that are on their way behind it."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.kbps, self.queue_ms, self.delay_ms, self.loss = 0, 500, 0, 0
        self.queue, self.queued, self.finish = deque(), 0, 0.0
        self.flying, self.landing = deque(), 0.0
        self.hold, self.held = False, 0
        self.reset(now())

    def set(self, settings):
        self.kbps = settings.get("kbps", self.kbps)
        self.queue_ms = settings.get("queueMs", self.queue_ms)
        self.delay_ms = settings.get("delayMs", self.delay_ms)
        self.loss = settings.get("lossPct", self.loss * 100) / 100
        self.hold = settings.get("hold", self.hold)
        self.observe(now())

    def reset(self, at):
        self.since, self.counts = at, dict.fromkeys(("bytes", "packets", "queueDrops", "lost", "cutDrops"), 0)
        self.max_fill, self.longest_full, self.full_since = 0.0, 0.0, None
        self.samples, self.sample_end, self.sample_fill, self.sample_bytes = deque(maxlen=HISTORY_SAMPLES), at + SAMPLE_MS, 0.0, 0
        self.observe(at)

    def fill(self):
        """How long the queued bytes take at the present rate, ms."""
        return self.queued * 8 / self.kbps if self.kbps else 0.0

    def observe(self, at):
        """To be called at every change of the queue, in the order of time."""
        while at >= self.sample_end:
            self.samples.append((round(self.sample_end), round(self.sample_fill, 1), self.sample_bytes))
            self.sample_end += SAMPLE_MS
            self.sample_fill, self.sample_bytes = self.fill(), 0
        fill = self.fill()
        self.sample_fill, self.max_fill = max(self.sample_fill, fill), max(self.max_fill, fill)
        if self.kbps and fill >= self.queue_ms * FULL:
            if self.full_since is None:
                self.full_since = at
        elif self.full_since is not None:
            self.longest_full = max(self.longest_full, at - self.full_since)
            self.full_since = None

    def take(self, cut):
        """Reads what has come."""
        while True:
            try:
                packet = os.read(self.source, MAX_PACKET)
            except BlockingIOError:
                return
            except OSError:
                sys.exit()  # The namespace that the device was in has ended.
            at = now()
            size = len(packet)
            if cut:
                self.counts["cutDrops"] += 1
            elif not self.kbps and not self.queue:
                self.fly(packet, at)
            else:
                self.serve(at)
                # An idle line takes any packet, however short its queue is.
                if self.queue and (self.queued + size) * 8 > self.queue_ms * self.kbps:
                    self.counts["queueDrops"] += 1
                    continue
                if not self.queue:
                    self.finish = at + size * 8 / self.kbps
                self.queue.append(packet)
                self.queued += size
                self.observe(at)

    def serve(self, at):
        """Lets the packets through whose last bit has passed the bottleneck; exact, however late this is called."""
        while self.queue and self.finish <= at:
            packet = self.queue.popleft()
            self.queued -= len(packet)
            passed = self.finish
            self.observe(passed)
            self.fly(packet, passed)
            if self.queue and self.kbps:
                self.finish = passed + len(self.queue[0]) * 8 / self.kbps

    def fly(self, packet, at):
        if self.loss and random.random() < self.loss:
            self.counts["lost"] += 1
            return
        if self.hold:
            if self.held + len(packet) > MOST_HELD_BYTES:
                self.counts["queueDrops"] += 1
                return
            self.held += len(packet)
        # Never before the one ahead, also when the delay has become shorter.
        self.landing = max(self.landing, at + self.delay_ms)
        self.flying.append((self.landing, packet))

    def deliver(self, at):
        if self.hold:
            return
        self.held = 0
        while self.flying and self.flying[0][0] <= at:
            packet = self.flying.popleft()[1]
            self.counts["bytes"] += len(packet)
            self.counts["packets"] += 1
            self.sample_bytes += len(packet)
            try:
                os.write(self.sink, packet)
            except OSError:
                pass  # The device is down: its owner changes its address.

    def drop(self):
        self.counts["cutDrops"] += len(self.queue) + len(self.flying)
        self.queue.clear()
        self.flying.clear()
        self.queued = self.held = 0
        self.observe(now())

    def next(self):
        """When there is something to do, ms."""
        landing = self.flying[0][0] if self.flying and not self.hold else float("inf")
        return min(self.finish if self.queue else float("inf"), landing)

    def stats(self, at):
        self.serve(at)
        self.observe(at)
        full = self.longest_full if self.full_since is None else max(self.longest_full, at - self.full_since)
        return {**self.counts, "ms": at - self.since, "fillMs": self.fill(), "maxFillMs": self.max_fill,
                "longestFullMs": full, "samples": list(self.samples)}


def main():
    first, second = (open_tun(name) for name in sys.argv[1:3])
    ways = {"up": Way(first, second), "down": Way(second, first)}
    cut, text = False, b""
    gc.disable()
    try:
        os.nice(-10)
    except OSError:
        pass
    print('{"ready": true}', flush=True)
    while True:
        wait = min(way.next() for way in ways.values()) - now()
        timeout = None if wait == float("inf") else max(0.0, wait / 1000)
        ready, _, _ = select.select([first, second, 0], [], [], timeout)
        for way in ways.values():
            if way.source in ready:
                way.take(cut)
            at = now()
            way.serve(at)
            way.deliver(at)
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, text = (text + chunk).split(b"\n")
            for line in lines:
                command = json.loads(line)
                answer = {}
                if "set" in command:
                    for name, way in ways.items():
                        way.serve(now())
                        way.set(command["set"].get(name, {}))
                    cut = command["set"].get("cut", cut)
                    if cut:
                        for way in ways.values():
                            way.drop()
                if "stats" in command:
                    answer = {name: way.stats(now()) for name, way in ways.items()}
                    if command["stats"].get("reset"):
                        for way in ways.values():
                            way.reset(now())
                print(json.dumps(answer), flush=True)


main()
