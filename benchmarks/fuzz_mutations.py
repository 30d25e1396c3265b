"""Changes to whole files that parsers stumble over, for ``benchmarks/fuzz.py``."""

import random
import re

TOKENS = (
    *(b"\0", b"\xff" * 4, b"\xff" * 8, b"-1", b"0", b"1e999", b"NaN", b"9" * 5000, b"99999999999", b"null", b"[]"),
    *(b"{}", b"true", b"[" * 200, b"{" * 200, b'"', b"\\ud800", b"\x1b[31m", b"\xe2\x80\xae", b"../../../x"),
    *(b"/dev/zero", b"\r\n", b"&a [*a, *a]", b"!!python/object/apply:os.system [id]", b"<<: *a", b"=1+1"),
    *(
        b"\x80\x02",
        b"\xff\xd8\xff",
        b"2026-13-45",
        b"0b_",
        b"1:61",
        b"!!binary x",
        b"0.0000001",
        b"1e-400",
        b"Infinity",
    ),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\t", b"' '", b"~", b"-0.0", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80"),
)

_VALUE = re.compile(rb'"[^"\n]{0,80}"|-?\d+(?:\.\d+)?|[A-Za-z_]{2,}')
_LINE = re.compile(rb"[^\n]*\n")

PAGE = 4096
"""Bytes of a page of LMDB, at whose beginnings its headers lie."""


def _change_values(content: bytes, rng: random.Random) -> bytes:
    """Put others in the place of one to three numbers, texts or words of a document, which stays well-formed mostly."""
    for _ in range(rng.randint(1, 3)):
        found = list(_VALUE.finditer(content))
        if not found:
            return content
        chosen, other = rng.choice(found), rng.choice(found)[0]
        token = rng.choice(
            (*TOKENS, other, other, b'"' + rng.choice(TOKENS) + b'"', str(rng.randint(-9, 10**9)).encode())
        )
        content = content[: chosen.start()] + token + content[chosen.end() :]
    return content


def _change_lines(content: bytes, rng: random.Random) -> bytes:
    """Double, drop or swap whole lines: keys given twice, blocks under another key."""
    lines = _LINE.findall(content)
    if len(lines) < 2:
        return content
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(3)
    if kind == 0:
        lines.insert(second, lines[first])
    elif kind == 1:
        del lines[first]
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def _change_bytes(data: bytearray, place: int, rng: random.Random) -> None:
    length = min(rng.choice((1, 2, 4, 8, 64, 1000)), len(data) - place)
    kind = rng.randrange(9)
    if kind == 0:
        data[place : place + 1] = bytes([rng.randrange(256)])
    elif kind == 1 and data:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del data[place : place + length]
    elif kind == 3:
        data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))
    elif kind == 4:
        data[place : place + length] = rng.randbytes(length)
    elif kind == 5:
        data[place:place] = rng.choice(TOKENS)
    elif kind == 6:
        token = rng.choice(TOKENS)
        data[place : place + len(token)] = token
    elif kind == 7:  # numbers of headers: small ones made huge, huge ones small, either end first
        size = rng.choice((1, 2, 4, 8))
        number = rng.choice((0, 1, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)) % 256**size
        data[place : place + size] = number.to_bytes(size, rng.choice(("little", "big")))
    else:
        del data[place:]


def mutate(content: bytes, rng: random.Random, head: int = 200) -> bytes:
    """One to four changes of random kinds at random places.

    Args:
        content: Of a whole file.
        rng: Source of every draw.
        head: Bytes at the beginning that hold more than their part of what is believed.
    """
    if len(content) < 100_000 and content.isascii() and rng.random() < 0.7:
        return _change_lines(content, rng) if rng.random() < 0.2 else _change_values(content, rng)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        near, size = rng.random(), max(1, len(data))
        place = rng.randrange(min(size, head)) if near < 0.4 else rng.randrange(size)
        if near > 0.8 and size > PAGE:
            place = min(size - 1, rng.randrange(size // PAGE) * PAGE + rng.randrange(64))
        _change_bytes(data, place, rng)
    return bytes(data)
