"""What ``/metrics`` tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "glyphsr_requests", "Answered requests for an enlargement.", ["status"], registry=self.registry
        )

        self.seconds = Histogram(
            "glyphsr_request_seconds", "From a request to its answer.", buckets=SECONDS, registry=self.registry
        )

        self.batch = Histogram(
            "glyphsr_batch_pictures",
            "Pictures that were enlarged together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self.registry,
        )

        self.pixels = Counter("glyphsr_output_pixels", "Pixels of results.", registry=self.registry)
        self.in_work = Gauge(
            "glyphsr_requests_in_work", "Requests accepted and not yet answered.", registry=self.registry
        )

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return bytes(generate_latest(self.registry))
