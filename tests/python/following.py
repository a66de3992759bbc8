"""Following: catch-up, live events, and resuming after a broken stream."""

import random
import threading

import samples
from client import Stream, same
from contract import event as pb, filters


def sequences(events) -> list:
    return [event.sequence for event in events]


def a_follower_catches_up_and_then_lives(client):
    head = client.head()
    stream = Stream(client, follow=True)
    same(sequences(stream.until_caught_up()), list(range(1, head + 1)), "the events of the catch-up")
    same(stream.last.caught_up.head_sequence, head, "the head")
    for number in (1, 2, 3):
        receipt = client.record(samples.data_access(number))
        same(sequences(stream.until_count(1)), [receipt.sequence], "the live event")
    stream.cancel()


def a_follower_from_now_on_sees_nothing_old(client):
    stream = Stream(client, follow=True, from_now=True)
    same(stream.until_caught_up(), [], "events before now")
    receipt = client.record(samples.data_access(0))
    same(sequences(stream.until_count(1)), [receipt.sequence], "the live event")
    stream.cancel()


def a_follower_gets_only_what_matches(client):
    chosen = filters.EventFilter(custom_types=["invoice.approved"])
    stream = Stream(client, follow=True, filter=chosen, from_now=True)
    stream.until_caught_up()
    client.record(samples.data_access(0))
    receipt = client.record(samples.custom())
    same(sequences(stream.until_count(1)), [receipt.sequence], "the live event that matches")
    stream.cancel()


def a_limit_ends_a_follower(client):
    stream = Stream(client, follow=True, limit=2)
    events = []
    while not stream.ended:
        events += stream.next_events()
    same(sequences(events), [1, 2], "the events")


def a_resumed_follower_goes_on_exactly_where_it_was(client):
    stream = Stream(client, follow=True)
    seen = stream.until_caught_up()
    seen += stream_one(client, stream)
    stream.cancel()
    missed = [client.record(samples.data_access(n % 5)).sequence for n in range(7)]
    stream = Stream(client, follow=True, resume_token=stream.token)
    caught_up = stream.until_caught_up()
    same(sequences(caught_up), missed, "what was recorded meanwhile")
    seen += caught_up + stream_one(client, stream)
    same(sequences(seen), list(range(1, client.head() + 1)), "everything, once and in order")
    stream.cancel()


def stream_one(client, stream) -> list:
    client.record(samples.data_access(4))
    return stream.until_count(1)


def streams_that_break_at_random_lose_and_repeat_nothing(client):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    head, total = client.head(), 400
    problems = []

    def write():
        try:
            left = total
            while left:
                some = min(left, chance_of_writer.choice((1, 1, 1, 5, 20)))
                results = client.record_batch([samples.data_access(n % 5) for n in range(some)])
                assert all(r.receipt.disposition == pb.DISPOSITION_RECORDED for r in results), results
                left -= some
        except BaseException as problem:  # noqa: BLE001 - shown by the main thread
            problems.append(problem)

    chance_of_writer = random.Random(seed + 1)
    writer = threading.Thread(target=write, daemon=True)
    request = {"after_sequence": head}
    seen, breaks = [], 0
    writer.start()
    while len(seen) < total and not problems:
        stream = Stream(client, follow=True, **request)
        for _ in range(chance.randrange(1, 6)):
            seen += sequences(stream.next_events())
            if len(seen) >= total:
                break
        stream.cancel()
        breaks += 1
        request = {"resume_token": stream.token}
    writer.join()
    if problems:
        raise problems[0]
    same(seen, list(range(head + 1, head + 1 + total)), f"the events over {breaks} streams (seed {seed})")
    assert breaks > 1, "the stream never broke"


CHECKS = [
    a_follower_catches_up_and_then_lives,
    a_follower_from_now_on_sees_nothing_old,
    a_follower_gets_only_what_matches,
    a_limit_ends_a_follower,
    a_resumed_follower_goes_on_exactly_where_it_was,
    streams_that_break_at_random_lose_and_repeat_nothing,
]
