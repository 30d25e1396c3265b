"""Pictures of many requests enlarged together: whoever waits while the network works goes with its next batch."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from glyphsr.upscaling.picture_worker import Outcome, PictureUpscaler
from glyphsr.upscaling.prefetch import LoadedPicture


@dataclass(eq=False)
class _Ticket:
    item: LoadedPicture
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Outcome]" = field(init=False)

    def __post_init__(self) -> None:
        self.future = self.loop.create_future()

    def answer(self, outcome: Outcome | Exception) -> None:
        """Hand the outcome to the request, from any thread."""

        def deliver() -> None:
            if self.future.done():  # given up in the meantime
                return
            if isinstance(outcome, Outcome):
                self.future.set_result(outcome)
            else:
                self.future.set_exception(outcome)

        self.loop.call_soon_threadsafe(deliver)


class Batcher:
    """One thread that works for all requests.

    Args:
        worker: Enlarges.
        most: Pictures at a time.
        watch: Called with the size of each batch.
    """

    def __init__(self, worker: PictureUpscaler, most: int, watch: Callable[[int], None]) -> None:
        self._worker, self._most, self._watch = worker, most, watch
        self._tickets: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="glyphsr-batches")
        self._thread.start()

    async def upscale(self, item: LoadedPicture) -> Outcome:
        """Enlarge one picture along with those of others; a request that is cancelled is left out."""
        ticket = _Ticket(item, asyncio.get_running_loop())
        self._tickets.put(ticket)
        return await ticket.future

    def close(self) -> None:
        """End when all that was accepted is done."""
        self._tickets.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._tickets.get()) is not None:
            # The first one is waited for; whoever else is there already comes along.
            batch = [first]
            while len(batch) < self._most and not self._tickets.empty():
                ticket = self._tickets.get()
                if ticket is None:
                    self._tickets.put(None)  # after this batch
                    break
                batch.append(ticket)
            self._work([ticket for ticket in batch if not ticket.future.done()])

    def _work(self, batch: Sequence[_Ticket]) -> None:
        if not batch:
            return

        self._watch(len(batch))
        waiting = {id(ticket.item): ticket for ticket in batch}
        try:
            for outcome in self._worker.upscale([ticket.item for ticket in batch]):
                waiting.pop(id(outcome.item)).answer(outcome)
        except Exception as error:  # whatever it is, each request gets an answer and the thread continues
            if len(batch) == 1:
                batch[0].answer(error)
                return
            for ticket in waiting.values():  # one bad picture must not take the others along
                self._work([ticket])
