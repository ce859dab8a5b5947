"""The client's half of SCRAM-SHA-512 (RFC 5802, without channel binding), as Kafka speaks it.

Kafka's clients bring their own; this one is for `handshake`, which asks before any of them is made.
"""

import base64
import hashlib
import hmac
import secrets

HASH = "sha512"
# Kafka's default is 4,096; more than this and the other side only wants to keep us busy.
MOST_ITERATIONS = 1_000_000


def escaped(username: str) -> str:
    """A user as SCRAM sends it: `,` and `=` separate its fields (RFC 5802 §5.1)."""
    return username.replace("=", "=3D").replace(",", "=2C")


class Scram:
    """One login: `first`, then `final` on the server's first message, then `verify` on its last.

    Raises ValueError for an answer that is none, and where the server does not know the password either.
    """

    def __init__(self, username: str, password: str) -> None:
        self._password = password.encode()
        self._nonce = secrets.token_urlsafe(24)
        self._bare = f"n={escaped(username)},r={self._nonce}"
        self._server_signature = b""

    @property
    def first(self) -> bytes:
        """The client's first message."""
        return f"n,,{self._bare}".encode()

    def final(self, server_first: bytes) -> bytes:
        """The client's last message: the proof that it knows the password."""
        text = server_first.decode()
        fields = _fields(text, "rsi")
        nonce, salt, iterations = fields["r"], base64.b64decode(fields["s"]), int(fields["i"])
        if not nonce.startswith(self._nonce) or not 0 < iterations <= MOST_ITERATIONS:
            raise ValueError("it answered somebody else")
        salted = hashlib.pbkdf2_hmac(HASH, self._password, salt, iterations)
        bare = f"c=biws,r={nonce}"
        said = f"{self._bare},{text},{bare}".encode()
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.new(HASH, key).digest(), said)
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), said)
        proof = bytes(left ^ right for left, right in zip(key, signature, strict=True))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """The server's proof that it knows the password."""
        if not hmac.compare_digest(
            base64.b64decode(_fields(server_final.decode(), "v")["v"]), self._server_signature
        ):
            raise ValueError("it does not know the password itself")


def _fields(message: str, names: str) -> dict[str, str]:
    """The fields of a message, which has those of the names, a letter each."""
    fields = dict(part.partition("=")[::2] for part in message.split(","))
    if not fields.keys() >= set(names):
        raise ValueError("it answered with something else than SCRAM")
    return fields


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, HASH)
