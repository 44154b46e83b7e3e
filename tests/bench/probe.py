# SPDX-License-Identifier: Apache-2.0
"""One question over UDP: which serial does the server at this port have of a zone?"""
import os
import socket
import struct

SOA = 6
TIMEOUT_S = 0.02


def name_wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def name_end(message, at):
    while message[at] != 0 and message[at] < 0xC0:
        at += message[at] + 1
    return at + (2 if message[at] >= 0xC0 else 1)


def serial_read(message, question_len):
    """The serial of the first answer record; None if the message has none."""
    rcode, answers = message[3] & 15, struct.unpack("!H", message[6:8])[0]
    if rcode != 0 or answers == 0:
        return None
    at = name_end(message, 12 + question_len)
    if struct.unpack("!H", message[at:at + 2])[0] != SOA:
        return None
    at = name_end(message, name_end(message, at + 10))
    return struct.unpack("!I", message[at:at + 4])[0]


class Probe:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(("127.0.0.1", port))

    def close(self):
        self.socket.close()

    def serial(self, zone):
        """None while there is no answer, or not yet the one that is wanted."""
        question = name_wire(zone) + struct.pack("!HH", SOA, 1)
        query_id = os.urandom(2)
        try:
            self.socket.send(query_id + struct.pack("!HHHHH", 0, 1, 0, 0, 0) + question)
            message = self.socket.recv(4096)
            while message[:2] != query_id:
                message = self.socket.recv(4096)
        except OSError:  # nobody there yet, or no answer in time
            return None
        return serial_read(message, len(question))
