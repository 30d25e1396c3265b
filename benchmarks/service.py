"""``glyphsr serve`` under load on loopback: throughput and delays with 1, 8 and 64 clients, and a stop while busy.

python benchmarks/service.py [--requests 200] [--height 16] [--guard off]
"""

import argparse
import http.client
import io
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CLIENTS = (1, 8, 64)
BOUNDARY = "glyphsr"


def body(number: int, height: int) -> bytes:
    image = Image.new("RGB", (4 * height, height), (230, 230, 220))
    ImageDraw.Draw(image).text((2, 0), f"word{number}", (20, 20, 60), ImageFont.load_default(0.8 * height))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{number}.png"\r\n\r\n'
    return head.encode() + buffer.getvalue() + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(port: int, content: bytes) -> int:
    """The status; 0 where nobody listens any more, -1 where an answer was cut off."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.connect()
    except OSError:
        return 0
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/upscale", content, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return -1
    finally:
        connection.close()
    return answer.status


def load(port: int, clients: int, requests: int, height: int) -> tuple[list[float], Counter[int], float]:
    """Delays of answered requests, statuses, and the time of all; each client sends its next when it has an answer."""
    numbers = iter(range(requests))
    lock, delays, statuses = threading.Lock(), [], Counter()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            content = body(number, height)
            began = time.monotonic()
            status = post(port, content)
            took = time.monotonic() - began
            with lock:
                statuses[status] += 1
                if status == 200:
                    delays.append(took)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return delays, statuses, time.monotonic() - began


def stop_while_busy(server: subprocess.Popen[bytes], port: int, height: int) -> Counter[int]:
    """Statuses of 32 requests in work when the service is asked to stop."""
    statuses: Counter[int] = Counter()
    threads = [threading.Thread(target=lambda n=n: statuses.update([post(port, body(n, height))])) for n in range(32)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    return statuses


def start(arguments: argparse.Namespace) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "glyphsr_cli", "serve", "-q", "--port", str(port), "--queue", "64"]
    server = subprocess.Popen([*command, "--guard", arguments.guard, "--device", arguments.device])
    while post(port, body(0, arguments.height)) != 200:
        if server.poll() is not None:
            raise SystemExit("the service did not start")
        time.sleep(0.2)
    return server, port


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--height", type=int, default=16)
    parser.add_argument("--guard", default="off")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    server, port = start(arguments)
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, lines of {arguments.height} x {4 * arguments.height}"
    )
    print("| clients | answered | other | requests/s | p50, s | p95, s |\n|---|---|---|---|---|---|")
    for clients in CLIENTS:
        delays, statuses, seconds = load(port, clients, arguments.requests, arguments.height)
        other = {status: count for status, count in statuses.items() if status != 200}
        p95 = float(np.quantile(delays, 0.95))
        rate = f"{len(delays) / seconds:.1f} | {statistics.median(delays):.3f} | {p95:.3f}"
        print(f"| {clients} | {len(delays)} | {other or ''} | {rate} |", flush=True)
    statuses = stop_while_busy(server, port, arguments.height)
    print(f"stopped while 32 requests were in work: {dict(statuses)}, exit code {server.wait(120)}")
    print("200 answered, 0 refused before anything was sent, -1 cut off")


if __name__ == "__main__":
    main()
