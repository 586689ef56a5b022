"""What processes tell each other: sums, and what each knows of its share of a batch."""

import pytest
import torch
import torch.distributed as dist

from gdsweep.train.distributed import Processes
from gdsweep.train.exchange import Exchange

CPU = torch.device("cpu")


def told_by(monkeypatch, *puts):
    """What everybody hears where process r has put what `puts[r]` says."""
    sent = []

    def all_reduce(tensor):  # complete for the last process, when all others have sent
        sent.append(tensor.clone())
        tensor.copy_(torch.stack(sent).sum(0))

    monkeypatch.setattr(dist, "all_reduce", all_reduce)
    for rank, put in enumerate(puts):
        exchange = Exchange(Processes(rank, len(puts), CPU))
        put(exchange)
        heard = exchange.meet()
    assert len(sent) == len(puts), "one meeting is one sum"
    return heard


def test_shares_come_back_in_the_order_of_the_global_batch(monkeypatch):
    everybody = torch.rand(5, 2, 3)

    def put(rank):
        def of(exchange):
            exchange.put("stop", [float(rank == 1)])
            exchange.put_share("count", list(range(5))[rank::2], 5)
            exchange.put_share("confidence", everybody[rank::2], 5)

        return of

    heard = told_by(monkeypatch, put(0), put(1))
    assert heard["stop"].tolist() == [1]
    assert heard["count"].tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(heard["confidence"], everybody.double())


def test_a_process_may_have_no_image(monkeypatch):
    """Three processes share two images."""

    def put(rank):
        def of(exchange):
            exchange.put_share("keep", torch.ones(2, 4, dtype=torch.bool)[rank::3], 2)

        return of

    heard = told_by(monkeypatch, put(0), put(1), put(2))
    assert torch.equal(heard["keep"], torch.ones(2, 4, dtype=torch.float64))


@pytest.mark.parametrize("values", [[0.5, 2.0], torch.tensor([0.5, 2.0])])
def test_one_process_hears_itself_and_nothing_twice(values):
    exchange = Exchange(Processes(0, 1, CPU))
    assert exchange.costs_nothing
    exchange.put("terms", values)
    assert exchange.meet()["terms"].tolist() == [0.5, 2.0]
    assert exchange.meet() == {}
