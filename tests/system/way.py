# SPDX-License-Identifier: Apache-2.0
"""A long way: an interface whose packets come back as if from a machine far away, late, mixed up, twice or not at all."""
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

TUN = '/dev/net/tun'
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SOURCE, BEHIND = 12, 20      # of an IPv4 header: where the source's address begins, and what follows the destination's


def is_possible():
    """The device is there, and may be opened, which some containers do not let root do."""
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError:
        return False
    return True


class Way:
    """In the network namespace of who makes it. Servers listen on `here` and know each other by `there`: what is sent to
    `there` arrives `here`, from `there`. That exchanges source and destination, which leaves all checksums as they are.
    late_s, and up to mixed_s more; lost and doubled are parts of all packets, from 0 to 1."""
    here, there = '10.8.0.1', '10.8.0.2'

    def __init__(self, late_s, mixed_s, doubled=0, lost=0):
        self.late_s, self.mixed_s, self.doubled, self.lost = late_s, mixed_s, doubled, lost
        self.passed = 0
        self._chance = random.Random(1)
        self._due, self._order = [], 0      # a heap of (time, order, packet)
        self._tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._tun, TUNSETIFF, struct.pack('16sH22x', b'way', IFF_TUN | IFF_NO_PI))
        for command in (f'addr add {self.here}/24 dev way', 'link set way up'):
            subprocess.run(['ip', *command.split()], check=True)
        self._end, self._end_told = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        os.close(self._end_told)
        self._thread.join()
        for fd in (self._tun, self._end):
            os.close(fd)

    def _run(self):
        while True:
            wait_s = max(0, self._due[0][0] - time.monotonic()) if self._due else None
            ready = select.select([self._tun, self._end], [], [], wait_s)[0]
            if self._end in ready:
                return
            if self._tun in ready:
                self._take(os.read(self._tun, 65535))
            while self._due and self._due[0][0] <= time.monotonic():
                os.write(self._tun, heapq.heappop(self._due)[2])
                self.passed += 1

    def _take(self, packet):
        if packet[0] >> 4 != 4 or self._chance.random() < self.lost:
            return
        middle = (SOURCE + BEHIND) // 2
        back = packet[:SOURCE] + packet[middle:BEHIND] + packet[SOURCE:middle] + packet[BEHIND:]
        for _ in range(1 + (self._chance.random() < self.doubled)):
            self._order += 1
            heapq.heappush(self._due, (time.monotonic() + self.late_s + self._chance.random() * self.mixed_s, self._order, back))
