#!/usr/bin/env python3
"""Asks omgd for packages, knowing nothing but docs/protocol.md.

usage: client.py SOCKET WORD...
"""
import os
import socket
import struct
import sys

BASES = [256, 16, 6, 4, 3, 2]
PER_BYTE = {2: 8, 3: 5, 4: 4, 6: 3, 16: 2}


class Reader:
    """Reads columns; each method gives a list of n values."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("message ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def digits(self, n, base):
        if base == 256:
            return list(self.take(n))
        per, values = PER_BYTE[base], []
        for byte in self.take(-(-n // per)):
            for _ in range(per):
                values.append(byte % base)
                byte //= base
        return values[:n]

    def kind(self, n, variants):
        base = min(base for base in BASES if base >= variants) if variants <= 16 else 256
        return self.digits(n, base)

    def bytes(self, n):
        if n <= 2:
            return list(self.take(n))
        header = self.take(1)[0]
        least = self.take(1)[0] if header % 2 else 0
        return [(value + least) % 256 for value in self.digits(n, BASES[(header + 1) // 2])]

    def integers(self, n, width):
        if n == 0:
            return []
        if n == 1 and width == 16:
            return [int.from_bytes(self.take(2), "little")]
        header = self.take(1)[0]
        least = int.from_bytes(self.take(width // 8), "little") if header % 2 else 0
        stored = width >> ((header + 1) // 2)
        if stored == 8:
            values = self.bytes(n)
        else:
            values = [int.from_bytes(self.take(stored // 8), "little") for _ in range(n)]
        return [(value + least) % (1 << width) for value in values]

    def lengths(self, n):
        short = self.bytes(n)
        long = iter(self.integers(short.count(255), 64))
        return [next(long) if length == 255 else length for length in short]

    def strings(self, n):
        lengths = self.lengths(n)
        return [self.take(length).decode() for length in lengths]

    def options(self, n, column):
        kinds = self.kind(n, 2)
        values = iter(column(sum(kinds)))
        return [next(values) if kind else None for kind in kinds]

    def recipes(self, n):
        """Base, maintainer, votes, popularity, three times: what the AUR knows of a package."""
        columns = [
            self.strings(n),
            self.options(n, self.strings),
            self.integers(n, 32),
            self.integers(n, 32),
            self.integers(n, 64),
            self.integers(n, 64),
            self.options(n, lambda count: self.integers(count, 64)),
        ]
        return list(zip(*columns))

    def lists(self, n, column):
        lengths = self.lengths(n)
        values = iter(column(sum(lengths)))
        return [[next(values) for _ in range(length)] for length in lengths]


def text(value):
    data = value.encode()
    if len(data) >= 255:
        raise ValueError("this client writes short strings only")
    return bytes([len(data)]) + data


def full(value, width):
    return b"\0" + value.to_bytes(width // 8, "little")


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def hello():
    magic, protocol, pid = full(0x4F4D4750, 32), (3).to_bytes(2, "little"), full(os.getpid(), 32)
    return frame(magic + protocol + text("client.py") + pid)


def search(words, limit):
    return b"\0" + b"\1" + text(words) + b"\1" + full(limit, 32)


def receive(stream):
    (length,) = struct.unpack(">I", stream.read(4))
    if length > 16 * 1024 * 1024:
        raise ValueError("frame over the limit")
    return stream.read(length)


def show(body):
    reader = Reader(body)
    (kind,) = reader.kind(1, 26)
    if kind == 19:
        reader.kind(1, 39)
        print("fault:", reader.strings(1)[0])
        return 1
    if kind != 1:
        raise ValueError(f"reply of kind {kind}")
    (total,) = reader.integers(1, 32)
    (n,) = reader.lengths(1)
    words = reader.strings(n)
    (n,) = reader.lengths(1)
    names, versions = reader.strings(n), reader.strings(n)
    reader.kind(n, 4)
    repositories = [words[number] for number in reader.integers(n, 16)]
    architectures = [words[number] for number in reader.integers(n, 16)]
    descriptions = reader.strings(n)
    installed = reader.options(n, reader.strings)
    scores = reader.integers(n, 32)
    recipes = reader.options(n, reader.recipes)
    if reader.at != len(body):
        raise ValueError("bytes are left over")
    rows = zip(names, versions, repositories, architectures, descriptions, installed, scores, recipes)
    for *row, recipe in rows:
        votes = [] if recipe is None else [f"{recipe[2]} votes"]
        print("\t".join(str(value) for value in row + votes))
    print(f"{n} of {total}")
    return 0


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if struct.unpack("3i", credentials)[1] != os.geteuid():
        sys.exit("the daemon is another user's")
    body = search(" ".join(sys.argv[2:]), 300)
    connection.sendall(hello() + frame(struct.pack(">Q", 1) + body))
    stream = connection.makefile("rb")
    receive(stream)
    payload = receive(stream)
    return show(payload[8:])


sys.exit(main())
