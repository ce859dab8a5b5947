"""Whatever answers, the first words end in a refusal with a reason or in a login; nothing else ever comes of them."""

import base64
import hashlib
import hmac
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.first_words import RefusedError, introduce
from fraudwatch.config.handshake import addresses, require_entry
from fraudwatch.config.scram import Scram, escaped
from fraudwatch.config.settings import Kafka
from fraudwatch.errors import BrokerError

USER = ("me", "swordfish")
ITERATIONS = 10

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def answered(*answers: bytes, user: tuple[str, str] | None = USER) -> None:
    """The first words with somebody who says these things and hangs up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(answers))
        theirs.shutdown(socket.SHUT_WR)
        introduce(ours, "sasl_ssl" if user else "ssl", user, 5.0)


def framed(body: bytes, correlation: int = 1) -> bytes:
    return struct.pack(">ii", len(body) + 4, correlation) + body


def login(error: int, *mechanisms: str) -> bytes:
    names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in mechanisms)
    return framed(struct.pack(">hi", error, len(mechanisms)) + names)


SCRAM = login(0, "SCRAM-SHA-512")


@given(st.lists(st.binary(max_size=80) | st.builds(framed, st.binary(max_size=40)), max_size=4))
def test_any_bytes_whatever_are_a_refusal_or_nothing(answers: list[bytes]) -> None:
    with pytest.raises(RefusedError) as raised:
        answered(*answers, user=USER)
    assert raised.value.found
    assert raised.value.remedy
    assert "swordfish" not in raised.value.found
    with suppress(RefusedError):
        answered(*answers, user=None)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_in_a_login_are_a_refusal(first: bytes, last: bytes) -> None:
    answers = [framed(struct.pack(">hhi", 0, -1, len(part)) + part) for part in (first, last)]
    with pytest.raises(RefusedError, match="breaks off the login"):
        answered(SCRAM, *answers)


@pytest.mark.parametrize(
    ("answer", "user", "found"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", None, "something that is not Kafka"),
        (b"\x15\x03\x03\x00\x02\x02\x50", None, "speaks TLS"),
        (framed(b"\0\0\0\0\0\0", correlation=7), None, "something that is not Kafka"),
        (framed(b"\0"), None, "something that is not Kafka"),
        # More names than there are bytes, each of a length that leads back to itself.
        (framed(b"\0\0\x7f\xff\xff\xff\xff\xfe"), None, "something that is not Kafka"),
        (login(34) + framed(b"\x7f\xff\xff\xff" + b"\xff\xf4" * 9), None, "something that is not Kafka"),
        (SCRAM, None, "wants a user and a password"),
        (login(33, "PLAIN", "GSSAPI"), USER, "a login by PLAIN, GSSAPI and not by SCRAM-SHA-512"),
        (login(34), USER, "knows no users"),
        (b"", USER, "hangs up when asked for a login"),
    ],
)
def test_each_wrong_answer_has_its_own_words(answer: bytes, user: tuple[str, str] | None, found: str) -> None:
    with pytest.raises(RefusedError) as raised:
        answered(answer, user=user)
    assert found in raised.value.found


@pytest.mark.parametrize("answer", [login(34), b""])
def test_a_listener_without_users_and_one_that_does_not_know_the_question_are_right_without_a_user(
    answer: bytes,
) -> None:
    answered(answer, user=None)


def server(
    password: str, proof_of: Callable[[bytes], bytes] = lambda signature: signature
) -> Callable[[Scram], bytes]:
    """A server's half of RFC 5802: checks the client's proof, answers with its own."""

    def converse(client: Scram) -> bytes:
        bare = client.first.decode().removeprefix("n,,")
        nonce = bare.partition(",r=")[2] + "server"
        salt = b"salt"
        first = f"r={nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        final = client.final(first.encode()).decode()
        without, _, proof = final.rpartition(",p=")
        assert without == f"c=biws,r={nonce}"
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        said = f"{bare},{first},{without}".encode()
        stored = hashlib.sha512(hmac.digest(salted, b"Client Key", "sha512")).digest()
        signature = hmac.digest(stored, said, "sha512")
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        assert hashlib.sha512(key).digest() == stored, "the client's proof is wrong"
        own = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), said, "sha512")
        return b"v=" + base64.b64encode(proof_of(own))

    return converse


@given(names, names)
def test_both_sides_prove_that_they_know_the_password(username: str, password: str) -> None:
    client = Scram(username, password)
    client.verify(server(password)(client))


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    client = Scram("me", "swordfish")
    answer = server("swordfish", lambda signature: bytes(len(signature)))(client)
    with pytest.raises(ValueError, match="does not know the password"):
        client.verify(answer)


@pytest.mark.parametrize(
    "first", ["r=other,s=c2FsdA==,i=4096", "r=NONCE,s=c2FsdA==,i=2000000", "r=NONCE,i=1", "x"]
)
def test_an_answer_to_somebody_else_or_with_endless_work_is_refused(first: str) -> None:
    client = Scram("me", "swordfish")
    nonce = client.first.decode().partition(",r=")[2]
    with pytest.raises(ValueError, match="it answered"):
        client.final(first.replace("NONCE", nonce).encode())


def test_the_signs_that_separate_fields_are_escaped() -> None:
    assert escaped("a=b,c") == "a=3Db=2Cc"
    assert Scram("a=b,c", "x").first.startswith(b"n,,n=a=3Db=2Cc,r=")


def test_addresses_are_shown_as_they_are_written() -> None:
    found = addresses(Kafka(bootstrap_servers="one, two:1,[::1]:2"))
    assert [str(address) for address in found] == ["one:9092", "two:1", "[::1]:2"]


@pytest.mark.parametrize("security", ["plaintext", "ssl"])
def test_who_takes_the_call_and_says_nothing_is_not_waited_for(security: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(BrokerError, match="did not answer within 300ms: check that it runs"):
            require_entry(Kafka(bootstrap_servers=address, security=security), Duration(300))


def test_who_answers_drop_by_drop_is_not_waited_for_much_longer() -> None:
    """Each drop would start the patience of a socket anew."""
    with socket.create_server(("127.0.0.1", 0)) as slow:
        done = threading.Event()

        def drip() -> None:
            line, _ = slow.accept()
            with line:
                for byte in struct.pack(">i", 60_000) + bytes(60):
                    if done.wait(0.1):
                        return
                    try:
                        line.sendall(bytes([byte]))
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(BrokerError, match="did not answer within 300ms"):
                require_entry(Kafka(bootstrap_servers=f"127.0.0.1:{slow.getsockname()[1]}"), Duration(300))
        finally:
            done.set()
            thread.join()
