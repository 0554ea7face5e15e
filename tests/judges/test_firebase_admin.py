"""firebase-admin, the vendor's own client, judges the sandbox's database."""

from __future__ import annotations

import asyncio
import queue
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import firebase_admin
import pytest
from firebase_admin import db, exceptions

from tests.judges.judging import Check
from tests.sandbox.rtdb_site import Site, serving

JUDGE = "firebase-admin"

pytestmark = pytest.mark.judge

SECONDS = 20
"""Longer than any answer on loopback takes; only a hang gets there."""

DINOSAURS = {
    "lambeosaurus": {"height": 2.1, "weight": 5000, "order": {"name": "ornithischia"}},
    "stegosaurus": {"height": 4, "weight": 2500, "order": {"name": "ornithischia"}},
    "bruhathkayosaurus": {"height": 25, "order": {"name": "saurischia"}},
    "pterodactyl": {"height": 0.6, "weight": True},
    "triceratops": {"height": 3, "weight": "heavy"},
}
SCORES = {"bruhathkayosaurus": 55, "lambeosaurus": 21, "pterodactyl": 93, "stegosaurus": 5}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The database in a thread of its own: the judge blocks."""
    served: queue.Queue[Site] = queue.Queue()
    loop = asyncio.new_event_loop()
    leave = asyncio.Event()

    async def serve() -> None:
        async with serving() as site:
            served.put(site)
            await leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="sandbox")
    thread.start()
    yield served.get(timeout=SECONDS)
    loop.call_soon_threadsafe(leave.set)
    thread.join(SECONDS)
    loop.close()


@contextmanager
def an_app(site: Site, *, namespace: str, **options: Any) -> Iterator[firebase_admin.App]:
    url = f"{site.origin}/?ns={namespace}"
    everything = {"databaseURL": url, "httpTimeout": SECONDS, **options}
    app = firebase_admin.initialize_app(options=everything, name=uuid.uuid4().hex)
    yield app
    firebase_admin.delete_app(app)


@pytest.fixture
def namespace() -> str:
    return f"judge-{uuid.uuid4().hex}"


@pytest.fixture
def root(site: Site, namespace: str) -> Iterator[db.Reference]:
    """The root of an empty database with room for queries by content."""
    with an_app(site, namespace=namespace) as app:
        rules = {
            "rules": {
                "dinosaurs": {".indexOn": ["height", "weight", "order/name"]},
                "scores": {".indexOn": ".value"},
                "open": {".read": True, "$uid": {".write": "auth.uid == $uid"}},
            }
        }
        root = db.reference("/", app=app)
        root._client.request("put", "/.settings/rules.json", json=rules)
        yield root


def refusal(ask: Callable[[], Any]) -> exceptions.FirebaseError:
    with pytest.raises(exceptions.FirebaseError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("text", id="text"),
        pytest.param("", id="empty text"),
        pytest.param('ünïcödé 🦊 \u202e \\ " </script>', id="odd text"),
        pytest.param(1, id="integer"),
        pytest.param(-(2**53), id="long integer"),
        pytest.param(0.95, id="double"),
        pytest.param(1e300, id="large double"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
        pytest.param(["a", "b"], id="list"),
        pytest.param([1, [2, [3]]], id="lists in lists"),
        pytest.param({"a": {"b": {"c": [1, None, 3]}}}, id="nested"),
        pytest.param({"54483125961": 1}, id="photo id"),
        pytest.param({"a%2Eb": 1, "k@1": 2, "x y": 3}, id="legal odd keys"),
    ],
)
def test_values_come_back_as_they_were_set(root: db.Reference, check: Check, value: Any) -> None:
    child = root.child("value")

    child.set(value)

    check("get returns what set was given", child.get() == value)
    check("shallow get of the root names the child", root.get(shallow=True) == {"value": True})
    value_again, etag = child.get(etag=True)
    check("get with a tag returns the same", value_again == value)
    check("the tag is text", isinstance(etag, str) and bool(etag))
    child.delete()
    check("delete leaves nothing", child.get() is None)
    check("the empty parent is gone", root.get() is None)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        pytest.param({"a": 1, "b": {}, "c": [], "d": None}, {"a": 1}, id="nothing is not stored"),
        pytest.param({"0": "a", "1": "b"}, ["a", "b"], id="integer keys are a list"),
        pytest.param({"1": "a", "2": "b"}, [None, "a", "b"], id="with a hole"),
        pytest.param({"1": "a", "9": "b"}, {"1": "a", "9": "b"}, id="too sparse for a list"),
        pytest.param(2.0, 2, id="whole doubles are integers"),
        pytest.param({".value": 1, ".priority": 2}, 1, id="priorities are not shown"),
    ],
)
def test_shapes_that_the_database_changes(
    root: db.Reference, check: Check, given: Any, stored: Any
) -> None:
    root.child("shape").set(given)

    check("read in its new shape", root.child("shape").get() == stored)


def test_set_replaces_and_update_merges(root: db.Reference, check: Check) -> None:
    users = root.child("users")
    users.set({"ada": {"year": 1815, "name": "Ada"}, "alan": {"year": 1912, "name": "Alan"}})

    users.update({"ada/nick": "Enchantress", "alan": {"nick": "Prof"}, "grace/year": 1906})

    check("a path keeps its siblings", users.child("ada/name").get() == "Ada")
    check("a path sets its leaf", users.child("ada").child("nick").get() == "Enchantress")
    check("a child is replaced whole", users.child("alan").get() == {"nick": "Prof"})
    check("a path makes its parents", users.child("grace").get() == {"year": 1906})
    users.update({"ada": None, "alan/nick": None})
    check("null deletes", users.get() == {"grace": {"year": 1906}})
    users.set({"only": 1})
    check("set replaces", users.get() == {"only": 1})


def test_an_update_is_all_or_nothing(root: db.Reference, site: Site, check: Check) -> None:
    root.child("kept").set(1)

    bad_key = refusal(lambda: root.update({"a/b": 1, "c/d.e": 2}))
    overlap = refusal(lambda: root.update({"a": {"x": 1}, "a/b": 2}))
    site.database.refused_keys.add("poison")
    refused = refusal(lambda: root.update({"fine": 1, "some/poison": 1}))
    site.database.refused_keys.clear()

    for name, error in (("key", bad_key), ("overlap", overlap), ("poison", refused)):
        check(f"{name} is an invalid argument", type(error) is exceptions.InvalidArgumentError)
        check(f"{name} is 400", error.http_response.status_code == 400)
    check("the key's text", "valid key names" in str(bad_key))
    check("nothing was applied", root.get() == {"kept": 1})


def test_the_bulk_update_of_an_ingest_may_be_sent_twice(root: db.Reference, check: Check) -> None:
    paths: dict[str, Any] = {}
    for number in range(100):
        name = f"p{54483125961 + number}"
        paths[f"photos/{name}"] = {"title": f"no {number}", "at": {".sv": "timestamp"}}
        paths[f"index/dog/{number * 7919 % 10**7:07}-{name}"] = 1 - number / 1000
        paths[f"labels/l{number}"] = {"name": f"l{number}", "mid": "/m/0bt9lr"}

    root.update(paths)
    root.update(paths)

    index = root.child("index/dog")
    best = index.order_by_key().limit_to_first(3).get()
    check("every photo is there once", len(root.child("photos").get(shallow=True)) == 100)
    check("the server's time is a number", root.child("photos/p54483125961/at").get() > 10**12)
    check("three best", len(best) == 3)
    check("best first by key", list(best) == sorted(index.get())[:3])
    last = list(best)[-1]
    page = index.order_by_key().start_at(last).limit_to_first(4).get()
    check("a page goes on where the last one ended", list(page) == sorted(index.get())[2:6])


def test_push_makes_growing_names(root: db.Reference, check: Check) -> None:
    pushed = [root.child("list").push({"n": number}) for number in range(5)]
    empty = root.child("list").push()

    names = [reference.key for reference in pushed]
    check("names of 20 characters", {len(name) for name in names} == {20})
    check("later ones sort behind", [*names, empty.key] == sorted([*names, empty.key]))
    check("the values are there", [ref.get() for ref in pushed] == [{"n": n} for n in range(5)])
    check("the default is empty text", empty.get() == "")
    check(
        "key order is order of pushing",
        list(root.child("list").order_by_key().get()) == [*names, empty.key],
    )


def test_a_shallow_read_names_children_and_no_more(root: db.Reference, check: Check) -> None:
    root.set({"deep": {"a": {"b": 1}, "c": 2}, "leaf": "text"})

    check("children as true", root.child("deep").get(shallow=True) == {"a": True, "c": True})
    check("a scalar as itself", root.child("leaf").get(shallow=True) == "text")
    check("nothing as none", root.child("none").get(shallow=True) is None)


QUERIES: dict[str, tuple[Callable[[db.Query], Any], list[str]]] = {
    "all": (
        lambda by: by,
        ["pterodactyl", "lambeosaurus", "triceratops", "stegosaurus", "bruhathkayosaurus"],
    ),
    "first two": (lambda by: by.limit_to_first(2), ["pterodactyl", "lambeosaurus"]),
    "last two": (lambda by: by.limit_to_last(2), ["stegosaurus", "bruhathkayosaurus"]),
    "from 3": (lambda by: by.start_at(3), ["triceratops", "stegosaurus", "bruhathkayosaurus"]),
    "up to 3": (lambda by: by.end_at(3), ["pterodactyl", "lambeosaurus", "triceratops"]),
    "from 2 to 3": (lambda by: by.start_at(2).end_at(3), ["lambeosaurus", "triceratops"]),
    "equal to 4": (lambda by: by.equal_to(4), ["stegosaurus"]),
    "equal to 5": (lambda by: by.equal_to(5), []),
    "first from 3": (lambda by: by.start_at(3).limit_to_first(1), ["triceratops"]),
    "last up to 3": (lambda by: by.end_at(3).limit_to_last(1), ["triceratops"]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_by_child_is_ordered_and_narrowed(
    root: db.Reference, check: Check, name: str
) -> None:
    narrowed, expected = QUERIES[name]
    root.child("dinosaurs").set(DINOSAURS)

    found = narrowed(root.child("dinosaurs").order_by_child("height")).get()

    check(f"height: {name}", list(found) == expected)
    check("whole children", all(found[key] == DINOSAURS[key] for key in found))


def test_values_of_all_types_have_their_order(root: db.Reference, check: Check) -> None:
    dinosaurs = root.child("dinosaurs")
    dinosaurs.set(DINOSAURS)
    by_weight = dinosaurs.order_by_child("weight")
    first = [list(by_weight_first(dinosaurs, number)) for number in range(1, 6)]

    expected = ["bruhathkayosaurus", "pterodactyl", "stegosaurus", "lambeosaurus", "triceratops"]
    for number, names in enumerate(first, start=1):
        check(f"first {number} by weight", names == expected[:number])
    check("true only", list(by_weight.equal_to(True).get()) == ["pterodactyl"])
    texts = dinosaurs.order_by_child("weight").start_at("a").get()
    check("text only", list(texts) == ["triceratops"])
    nested = dinosaurs.order_by_child("order/name").equal_to("ornithischia").get()
    check("a nested child", list(nested) == ["lambeosaurus", "stegosaurus"])


def by_weight_first(dinosaurs: db.Reference, number: int) -> Any:
    return dinosaurs.order_by_child("weight").limit_to_first(number).get()


def test_a_query_by_key_is_ordered_and_narrowed(root: db.Reference, check: Check) -> None:
    root.child("dinosaurs").set(DINOSAURS)

    def by_key() -> db.Query:
        return root.child("dinosaurs").order_by_key()

    names = sorted(DINOSAURS)
    check("all", list(by_key().get()) == names)
    check("an ordered answer", isinstance(by_key().get(), OrderedDict))
    check("first", list(by_key().limit_to_first(2).get()) == names[:2])
    check("last", list(by_key().limit_to_last(2).get()) == names[-2:])
    check("from", list(by_key().start_at("p").get()) == names[2:])
    check("to", list(by_key().end_at("lambeosaurus").get()) == names[:2])
    check("between", list(by_key().start_at("c").end_at("q").get()) == names[1:3])
    check("equal", list(by_key().equal_to("pterodactyl").get()) == ["pterodactyl"])
    check("nothing", not by_key().equal_to("homo").get())


def test_lists_can_be_queried(root: db.Reference, check: Check) -> None:
    root.child("list").set(["a", "b", "c"])

    by_key = root.child("list").order_by_key()
    check("all of a list", by_key.get() == ["a", "b", "c"])
    check("its beginning", root.child("list").order_by_key().limit_to_first(2).get() == ["a", "b"])


def test_a_query_by_value_is_ordered_and_narrowed(root: db.Reference, check: Check) -> None:
    root.child("scores").set(SCORES)

    def by_value() -> db.Query:
        return root.child("scores").order_by_value()

    names = sorted(SCORES, key=lambda name: SCORES[name])
    check("all", list(by_value().get()) == names)
    check("first", list(by_value().limit_to_first(1).get()) == names[:1])
    check("last", list(by_value().limit_to_last(3).get()) == names[-3:])
    check("from", list(by_value().start_at(50).get()) == names[2:])
    check("to", list(by_value().end_at(21).get()) == names[:2])
    check("equal", by_value().equal_to(21).get() == {"lambeosaurus": 21})


def test_queries_without_an_index_are_refused(root: db.Reference, check: Check) -> None:
    by_child = refusal(lambda: root.child("scores").order_by_child("age").get())
    by_value = refusal(lambda: root.child("dinosaurs").order_by_value().get())

    check("by child", type(by_child) is exceptions.InvalidArgumentError)
    check("names the child", '".indexOn": "age", for path "/scores"' in str(by_child))
    check("names .value", '".indexOn": ".value", for path "/dinosaurs"' in str(by_value))


def test_tags_guard_against_changes_by_others(root: db.Reference, check: Check) -> None:
    lease = root.child("leases/g1")
    nothing, absent = lease.get(etag=True)
    check("absent", (nothing, absent) == (None, "null_etag"))

    won, value, tag = lease.set_if_unchanged(absent, {"owner": "a", "epoch": 1})
    check("created", (won, value) == (True, {"owner": "a", "epoch": 1}))
    check("with its tag", tag == lease.get(etag=True)[1])
    lost, current, current_tag = lease.set_if_unchanged("null_etag", {"owner": "b", "epoch": 1})
    check("not created twice", not lost)
    check("told who has it", current == {"owner": "a", "epoch": 1})
    check("and the present tag", current_tag == tag)
    lease.child("epoch").set(2)
    stale = lease.set_if_unchanged(tag, {"owner": "c"})
    check("a change below changes the tag", not stale[0])
    check("unchanged by the refusal", lease.get() == {"owner": "a", "epoch": 2})
    renewed, _, newer = lease.set_if_unchanged(stale[2], {"owner": "a", "epoch": 3})
    check("renewed with the tag of the refusal", renewed and newer != stale[2])


def test_unchanged_values_are_not_sent_again(root: db.Reference, check: Check) -> None:
    child = root.child("a")
    child.set({"n": 1})
    _, tag = child.get(etag=True)

    check("unchanged", child.get_if_changed(tag) == (False, None, None))
    check("another tag", child.get_if_changed("other") == (True, {"n": 1}, tag))
    child.set({"n": 2})
    changed, value, newer = child.get_if_changed(tag)
    check("changed", changed and value == {"n": 2} and newer != tag)
    child.set({"n": 1})
    check("equal values have equal tags", child.get(etag=True)[1] == tag)
    check("nothing there", root.child("b").get_if_changed("null_etag") == (False, None, None))


def test_transactions_do_not_lose_updates(root: db.Reference, check: Check) -> None:
    counter = root.child("counter")
    others = iter([10, 20])

    def one_more(value: int | None) -> int:
        other = next(others, None)
        if other is not None:
            counter.set(other)
        return (value or 0) + 1

    check("result", counter.transaction(one_more) == 21)
    check("stored", counter.get() == 21)
    check(
        "created",
        root.child("new").transaction(lambda value: {"was": value is None}) == {"was": True},
    )

    def never(value: Any) -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        counter.transaction(never)
    check("aborted", counter.get() == 21)


def test_a_transaction_that_always_loses_gives_up(root: db.Reference, check: Check) -> None:
    counter = root.child("counter")
    tries = [0]

    def beaten(value: Any) -> int:
        tries[0] += 1
        counter.set(tries[0])
        return -1

    with pytest.raises(db.TransactionAbortedError):
        counter.transaction(beaten)
    check("25 tries", tries == [25])


@contextmanager
def listening(reference: db.Reference, site: Site) -> Iterator[Callable[[], tuple[str, str, Any]]]:
    """Yields what waits for the next event."""
    events: queue.Queue[db.Event] = queue.Queue()
    registration = reference.listen(events.put)

    def following() -> tuple[str, str, Any]:
        event = events.get(timeout=SECONDS)
        return event.event_type, event.path, event.data

    yield following
    # Its own `close` waits for a thread that waits for the server, so the server goes first.
    registration._sse.should_connect = False
    registration._sse.retry = 0
    for listener in site.database.listeners():
        site.loop.call_soon_threadsafe(listener.stop)
    registration._thread.join(SECONDS)
    registration.close()
    registration._sse.session.close()


def test_listeners_hear_of_every_change(root: db.Reference, site: Site, check: Check) -> None:
    users = root.child("users")
    users.set({"ada": {"year": 1815}})
    with listening(users, site) as following:
        check("first the value", following() == ("put", "/", {"ada": {"year": 1815}}))
        users.child("alan").set({"year": 1912})
        check("a child set", following() == ("put", "/alan", {"year": 1912}))
        users.child("ada/year").set(1816)
        check("a leaf set", following() == ("put", "/ada/year", 1816))
        users.update({"ada/name": "Ada", "grace": "ü"})
        check("an update", following() == ("patch", "/", {"ada/name": "Ada", "grace": "ü"}))
        users.child("ada").update({"year": 1})
        check("an update below", following() == ("patch", "/ada", {"year": 1}))
        users.child("alan").delete()
        check("a delete", following() == ("put", "/alan", None))
        root.update({"users/x": 1, "elsewhere": 2})
        check("an update above", following() == ("patch", "/", {"x": 1}))
        root.child("elsewhere").set(3)
        root.set({"users": "gone"})
        check("replaced from above", following() == ("put", "/", "gone"))
        pushed = root.child("users").push(7)
        check("a push", following() == ("put", f"/{pushed.key}", 7))


REFRESHES = 2
"""So often its session refreshes the token after a 401 and asks again."""

ERRORS = {
    "database.permission-denied": (exceptions.UnauthenticatedError, "Permission denied"),
    "database.token-expired": (exceptions.UnauthenticatedError, "Auth token is expired"),
    "database.forbidden": (exceptions.PermissionDeniedError, "Permission denied"),
    "database.not-found": (exceptions.NotFoundError, "configured correctly"),
    "database.other-region": (exceptions.NotFoundError, "lives in a different region"),
    "database.throttled": (exceptions.ResourceExhaustedError, "Too many requests"),
    "database.too-large": (exceptions.UnknownError, "Payload is too large"),
    "database.quota-exceeded": (exceptions.UnknownError, "quota"),
    "database.deactivated": (exceptions.UnknownError, "has been deactivated"),
    "database.disabled": (exceptions.UnknownError, "database owner"),
    "database.gateway-timeout": (exceptions.UnknownError, "Internal server error."),
    "database.bad-gateway": (exceptions.UnknownError, "Unexpected response from database"),
    "database.refused-write": (exceptions.InvalidArgumentError, "couldn't parse JSON"),
}


@pytest.mark.parametrize("fault", ERRORS)
def test_refusals_are_understood(root: db.Reference, site: Site, check: Check, fault: str) -> None:
    kind, text = ERRORS[fault]
    unauthenticated = kind is exceptions.UnauthenticatedError
    site.faults.queue(fault, times=1 + REFRESHES if unauthenticated else 1)

    error = refusal(lambda: root.child("a").set(1))

    check(f"{fault} is {kind.__name__}", type(error) is kind)
    check(f"{fault} says {text!r}", text in str(error))
    check("nothing was applied", root.get() is None)


@pytest.mark.parametrize(
    "fault",
    ["database.unavailable", "database.internal-error", "database.error-after-apply"],
)
def test_what_passes_is_tried_again(
    root: db.Reference, site: Site, check: Check, fault: str
) -> None:
    site.faults.queue(fault)

    root.child("a").set({"n": 1})

    check(f"{fault} did not stop it", root.child("a").get() == {"n": 1})


def test_users_are_judged_by_the_rules(
    site: Site, namespace: str, root: db.Reference, check: Check
) -> None:
    with (
        an_app(site, namespace=namespace, databaseAuthVariableOverride={"uid": "jane"}) as jane,
        an_app(site, namespace=namespace, databaseAuthVariableOverride=None) as nobody,
    ):
        db.reference("open/jane", app=jane).set(1)
        check("her own", root.child("open/jane").get() == 1)
        check("nobody reads the open part", db.reference("open", app=nobody).get() == {"jane": 1})
        for name, ask in {
            "not another's": lambda: db.reference("open/joe", app=jane).set(1),
            "not a mixture": lambda: db.reference("open", app=jane).update({"jane": 2, "joe": 2}),
            "nobody writes": lambda: db.reference("open/jane", app=nobody).set(1),
            "nobody reads the rest": lambda: db.reference("secret", app=nobody).get(),
        }.items():
            error = refusal(ask)
            check(name, type(error) is exceptions.UnauthenticatedError)
            check("in the vendor's words", "Permission denied" in str(error))
        check("nothing changed", root.get() == {"open": {"jane": 1}})


def test_the_environment_names_the_emulator(
    site: Site, monkeypatch: pytest.MonkeyPatch, namespace: str, check: Check
) -> None:
    monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", site.origin.removeprefix("http://"))
    options = {"databaseURL": f"https://{namespace}.firebaseio.com", "httpTimeout": SECONDS}
    app = firebase_admin.initialize_app(options=options, name=uuid.uuid4().hex)

    db.reference("a", app=app).set(1)

    check("the host's first label is the namespace", site.database.value(namespace) == {"a": 1})
    firebase_admin.delete_app(app)


def test_a_poor_connection_is_unavailable(root: db.Reference, site: Site, check: Check) -> None:
    site.faults.queue("database.reset-after-apply")

    root.child("a").set(1)

    check("a reset is tried again, and twice is once", root.get() == {"a": 1})
    site.faults.queue("database.reset", times=2)
    check("two resets", isinstance(refusal(root.get), exceptions.UnavailableError))
