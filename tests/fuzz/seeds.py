"""What mutation starts from: inputs made here, those of corpus/TARGET (each once showed a defect), and words.

Nothing here imports fraudwatch: what is written by hand stays what a stranger would write.
"""

import io
import json
import random
import re
from hashlib import sha256
from pathlib import Path

import numpy as np

CONFIGS = Path(__file__).parents[2] / "configs"
CORPUS = Path(__file__).parent / "corpus"
RS = b"\x1e"
BETWEEN = b"\x1f"

CANONICAL = {
    "whole": b'{"transaction_id":"t1","account_id":"a1","event_time":"2024-06-01T12:00:00Z","amount":12.5,'
    b'"currency":"EUR","direction":"debit","counterparty_id":"c1","counterparty_country":"DE","channel":"card",'
    b'"country":"FR","latitude":48.1,"longitude":2.3,"device_id":"d1","category":"food","status":"approved"}',
    "short": b'{"transaction_id":7,"account_id":8,"event_time":1717243200000,"amount":"0.005"}',
    "declined": b'{"transaction_id":"t2","account_id":"a1","event_time":"2024-06-01 12:00:00.5+02:00","amount":0,'
    b'"currency":"USD","status":"declined"}',
}

HANDBOOK = (
    b'{"TRANSACTION_ID":"0","TX_DATETIME":"2018-04-01 00:00:31","CUSTOMER_ID":"596","TERMINAL_ID":"3156",'
    b'"TX_AMOUNT":"57.16","TX_FRAUD":"1","TX_FRAUD_SCENARIO":"2"}'
)

CARD = (
    b'{"id":"k1","card":{"account":"a1"},"authorised_at":"2024-06-01T12:00:00+02:00","amount":{"value":4999,'
    b'"currency":"EUR"},"merchant":{"id":"m1","country":"FR","mcc":"5411","place":[48.85,2.35]},"device":"d1",'
    b'"response":"00"}'
)

TRANSFER = (
    b'{"FIToFICstmrCdtTrf":{"GrpHdr":{"MsgId":"M1","CreDtTm":"2024-06-01T12:00:00","NbOfTxs":"1"},"CdtTrfTxInf":'
    b'[{"PmtId":{"EndToEndId":"E1","TxId":"T1"},"IntrBkSttlmAmt":{"Amt":"1250.00","Ccy":"EUR"},"DbtrAcct":{"Id":'
    b'{"IBAN":"FR7630006000011234567890189"}},"CdtrAcct":{"Id":{"IBAN":"DE89370400440532013000"}},"Cdtr":'
    b'{"PstlAdr":{"Ctry":"DE"}}}]}}'
)

CASH = "o1;agence de Nîmes;a1;01/06/2024 09:05;1250,50;W;dépôt".encode("iso-8859-1")

REMITTANCE = (
    b'{"reference":"r1","paid_at":1717243200,"amount":"300.00","currency":"USD","sender":{"account":"a1",'
    b'"country":"FR"},"beneficiary":{"account":"b1","country":"SN"}}'
)

NESTED = (
    b'{"ids":{"id":"n1"},"who":{"account":7,"at":{"country":"FR"}},"when":1717243200.25,"sum":{"value":1250,"ccy":"\xe2\x82\xac"},'
    b'"way":true,"with":{"id":"c\xc3\xa9"},"kind":"5411","place":{"x":"2.35","y":48.85},"other":[{"id":"z"},null,-1e5]}'
)

VERDICT = {
    "schema_version": 1,
    "disposition_id": "0123456789abcdef0123",
    "kind": "verdict",
    "alert_id": "fedcba9876543210fedc",
    "account_id": "a1",
    "verdict": "confirmed",
    "transactions": [
        {"transaction_id": "t1", "position": {"topic": "transactions", "partition": 0, "offset": 12}},
        {"transaction_id": "t2", "position": None},
    ],
    "undoes": None,
    "note": "called the customer",
    "who": "ana",
    "given_at": "2024-06-02T08:00:00.000Z",
}
REPORT = VERDICT | {"kind": "report", "alert_id": None, "verdict": "suspicious"}
UNDO = VERDICT | {"kind": "undo", "verdict": None, "undoes": "0123456789abcdef0124"}

_TEXT = {"en": "much", "fr": "beaucoup"}
_POSITION = {"topic": "t", "partition": 0, "offset": 3}
_MOMENT = "2024-06-01T12:00:00.000Z"
_MONEY = {"event_time": _MOMENT, "amount": "12.50", "amount_minor": 1250, "position": _POSITION}
ALERT = {
    "schema_version": 1,
    "alert_id": "fedcba9876543210fedc",
    "kind": "alert",
    "sequence": 1,
    "entity": {"account_id": "a1"},
    "headline": _TEXT,
    "severity": "high",
    "score": 9.5,
    "rank": 0.25,
    "edge": 5.0,
    "distance": 4.5,
    "edge_note": _TEXT,
    "sample": False,
    "episode": {
        "opened_at": "2024-06-01T12:00:00.000Z",
        "last_at": "2024-06-01T12:00:00.000Z",
        "open_until": "2024-06-02T12:00:00.000Z",
        "count": 1,
        "amount": "12.50",
        "amount_minor": 1250,
        "currency": "EUR",
        "transactions": [_MONEY | {"transaction_id": "t1"}],
        "transactions_cut": 0,
    },
    "reasons": [
        {
            "code": "AMT",
            "name": "amount",
            "theme": "amount",
            "sentence": _TEXT,
            "innocent": _TEXT,
            "unit": "money",
            "value": 1250.0,
            "usual": None,
            "window_ms": 86_400_000,
            "surprise": 4.0,
            "contribution": 3.5,
        }
    ],
    "evidence": [_MONEY | {"transaction_id": "t0", "counterparty_id": None}],
    "evidence_cut": 0,
    "model_version": "0123456789ab",
    "configuration": "0123456789ab",
    "partition": 0,
}

LETTER = (
    b"stage=decode\nreason=not_json\ndetail=record: expected a JSON object, found 'x'\ntopic=transactions\n"
    b"partition=3\noffset=12345\ntimestamp_ms=1717243200000\n=\nx"
)

ENVIRONMENT = (
    b"FRAUDWATCH_KAFKA__GROUP=fw\nFRAUDWATCH_ALERTS__ALERTS_PER_DAY=120\nFRAUDWATCH_CURRENCY=USD",
    b"FRAUDWATCH_SOURCE__MAPPING={transaction_id: id, account_id: a, event_time: t, amount: m}",
    b"FRAUDWATCH_SOURCE__MAPPING__AMOUNT__UNIT=minor\n-features.windows=[1h, 24h]\n-source.topic=cards",
    b"FRAUDWATCH_RATES__USD={2024-01-01: 0.9}\nFRAUDWATCH_KAFKA__PASSWORD=p\n-limits.latest=2050-01-01",
    b"FRAUDWATCH_SOURCES__X__TOPIC=x\nFRAUDWATCH_SOURCES__X__FORMAT=csv\n"
    b"FRAUDWATCH_SOURCES__X__CSV={columns: [transaction_id, account_id, event_time, amount]}",
)

SETTINGS = (
    b"currency: EUR\nalerts: {alerts_per_day: 120}\nfeatures:\n  windows: [1h, 24h, 7d]\n  zone: Europe/Paris\n",
    b"source:\n  topic: cards\n  mapping:\n    transaction_id: id\n    account_id: card.account\n    event_time: "
    b'{path: at, zone: Europe/Paris}\n    amount: {path: amount, unit: minor}\n  label: {path: x, positive: "1"}\n',
    b"rates:\n  USD:\n    \"2024-01-01\": 0.9\nlimits: {earliest: '2000-01-01', max_amount: 1e6}\n",
    b"alerts: {alerts_per_day: 1e308, explore: 0.5}\nfeatures: {windows: [999999999d], young_account: 0}\n",
    b"kafka: {bootstrap_servers: 'a:9092,[::1]:9093', security: plaintext}\ntopics: {review: r, models: m}\n",
    b"a: &a [1, 2]\nb: [*a, *a]\n? x\n: !!str 7\n",
    b"sources:\n  x:\n    topic: x\n    format: csv\n    csv: {columns: [i, a, t, m, c], decimal: ','}\n    mapping: "
    b"{transaction_id: i, account_id: a, amount: m,\n      event_time: {path: t, format: '%d/%m/%Y %H:%M'}}\n"
    b"    legs: [{currency: c}, {channel: {constant: x}}]\n",
)

MAPPINGS = (
    {
        "mapping": {
            "transaction_id": "ids.0",
            "account_id": "who.id",
            "event_time": {"path": "at", "format": "%d/%m/%Y %H:%M", "zone": "Europe/Paris"},
            "amount": {"path": "sum", "unit": "minor"},
            "currency": "ccy",
            "direction": {"path": "way", "values": {"true": "debit", "1": "credit"}},
            "latitude": "place.1",
        }
    },
    {
        "format": "csv",
        "csv": {"columns": ["i", "a", "t", "m", "c"], "delimiter": ";", "encoding": "cp1252", "decimal": ","},
        "mapping": {
            "transaction_id": "i",
            "event_time": {"path": "t", "format": "epoch_s"},
            "amount": "m",
            "currency": {"constant": "USD"},
        },
        "legs": [{"account_id": "a"}, {"account_id": "c", "channel": {"constant": "x"}}],
    },
)
MAPPED = (
    b'{"ids":["t1"],"who":{"id":"a1"},"at":"31/12/2024 23:05","sum":1250,"ccy":"USD","way":true,"place":[2,48.1]}',
    b"t1;a1;1717243200;12,50;b1",
)

STRANGE = (
    *b'null true 0 -1 -0.0 1.5 NaN Infinity 1e999 1e-400 1717243200000 "" " " "-1" "NaN" "1e9" "USD" "x" [] {}'.split(),
    *b'"2024-02-30" "9999-12-31T23:59:59Z" "\\u0000" "\\ud800" "\xff" 9007199254740993 {"a":1} [0]'.split(),
    *(b"9" * 400, b'"' + b"9" * 400 + b'"'),
)
"""Values to put in the place of every value of a record."""

_LEAF = re.compile(rb'"[^"]*"(?!\s*:)|(?<=[:\[,])-?[0-9.]+')
_COLUMN = re.compile(rb"[^;]+")

MODEL = b'{"manifest":1}', b"arrays" * 20


def inputs(name: str) -> list[bytes]:
    """The inputs a target starts from, those that once showed a defect last."""
    files = sorted((CORPUS / name).glob("*")) if (CORPUS / name).is_dir() else []
    return [*_MADE[name](), *(path.read_bytes() for path in files)]


def words(name: str) -> list[bytes]:
    """What is worth putting into an input: marks, strange numbers, and the names the seeds use."""
    return [*_WORDS, *_WORDS_OF.get(name, [])]


def _feed(*records: bytes) -> list[bytes]:
    """Each record alone, all of them together with the first one twice, and the first with each value spoilt."""
    spoilt = [_with(records[0], leaf, value) for leaf in _LEAF.finditer(records[0]) for value in STRANGE]
    return [*records, RS.join([*records, records[0]]), *spoilt]


def _lines(record: bytes) -> list[bytes]:
    """The same for a line of CSV."""
    spoilt = [_with(record, leaf, value) for leaf in _COLUMN.finditer(record) for value in STRANGE]
    return [record, RS.join([record, record]), *spoilt]


def _with(record: bytes, place: re.Match[bytes], value: bytes) -> bytes:
    return record[: place.start()] + value + record[place.end() :]


def _json(*values: object) -> list[bytes]:
    return [json.dumps(value, separators=(",", ":")).encode() for value in values]


def _settings() -> list[bytes]:
    return [b"", *SETTINGS, b"[" * 1_200, *(path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml")))]


def _mapping() -> list[bytes]:
    return [RS.join([source, *MAPPED]) for source in _json(*MAPPINGS, {})]


def _npz() -> list[bytes]:
    arrays = {
        "kept_positions": np.arange(3),
        "features.sides": np.zeros(4, np.uint8),
        "combiner.concordance.cuts": np.linspace(0, 1, 5),
        "detector.pca.components": np.eye(2),
        "another": np.zeros((2, 0), np.float32),
    }
    return [_savez(**arrays), *(_savez(**{name: array}) for name, array in arrays.items())]


def _savez(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _patches() -> list[bytes]:
    contents = (
        {},
        {"rows": 400, "seed": 20},
        *({"transactions_per_day": number} for number in (1000.0, 0.0, -5.0, 1e308)),
        {"span_ms": [0, 86_400_000]},
        {"population": {"mean": 30.0, "variance": 4.0, "rate": 2.0}},
        {"combiner": "max"},
        {"reasons": ["amount", "hbos"]},
        {"features": [{"name": "amount", "side": "high", "role": "anchor", "window_ms": None}]},
    )
    return _json({"format": 1}, {"libraries": {}}, *({"content": content} for content in contents))


def _manifests() -> list[bytes]:
    """What is laid over a real manifest."""
    array = {"name": "rows", "kind": "<f8", "shape": [3]}
    fields = {"bytes": 20, "fields": [["a", "<i8", 0, []], ["b", "<i4", 8, [3]]]}
    blocks = [{"name": "history", "version": 1, "arrays": [array, array | {"kind": fields, "name": "x"}]}]
    stamp = {"topic": "t", "partition": 0, "partitions": 1, "offset": 40, "reached_ms": 0, "generation": 1}
    stamp |= {"review_offset": 0, "slot": 0, "created_ms": 0, "code": "", "configuration": ""}
    piece = ["0" * 64, 1_000, 3]
    return _json({"format": 1}, {"format": 2}, {"stamp": stamp}, {"blocks": blocks}, {"pieces": [piece]})


def _edits() -> list[bytes]:
    random_ = random.Random(5)
    return [b"", *(random_.randbytes(length) for length in range(2, 42))]


def _models() -> list[bytes]:
    manifest, arrays = MODEL
    whole = manifest + arrays
    said = {
        "version": "v1",
        "chunks": 2,
        "manifest_bytes": len(manifest),
        "arrays_bytes": len(arrays),
        "sha256": sha256(whole).hexdigest(),
    }
    pointer = json.dumps(said).encode()
    messages = {b"v1/0": whole[:50], b"v1/1": whole[50:], b"v1/manifest": pointer, b"newest": pointer}
    sent = [key + BETWEEN + value for key, value in messages.items()]
    decision = (
        b'{"version":"v1","promoted":true,"by":"trainer","at_ms":1,"note":"n","comparison":{"psi":0.1}}'
    )
    later = [
        *(key + BETWEEN + pointer for key in (b"v1/candidate", b"x/newest", b"chosen")),
        *(key + BETWEEN + decision for key in (b"v1/decision", b"v1/choice")),
    ]
    return [RS.join(sent), *sent, RS.join([*sent[:2], *later]), b"v1/0", b"v2/9" + BETWEEN + b"x"]


def _files() -> list[bytes]:
    csv = b'a,b,c\n1,2,3\n\n4,5\n6,7,8,9\n"x\ny","""",\xc3\xa9\n'
    lines = b'{"a":1}\n\n  {"a":2}\r\n[]\n'
    clients = b'account_id,client_id\na1,c1\na2,c1\n"a3",c2\n'
    contents = (csv, lines, csv, lines, csv, clients)
    return [bytes([kind]) + content for kind, content in enumerate(contents)]


_MADE = {
    "log": lambda: _feed(*CANONICAL.values()),
    "handbook": lambda: _feed(HANDBOOK),
    "cards": lambda: _feed(CARD),
    "transfers": lambda: _feed(TRANSFER),
    "chunks": lambda: [one for record in (*CANONICAL.values(), HANDBOOK, NESTED) for one in _feed(record)],
    "cash": lambda: _lines(CASH),
    "remittances": lambda: _feed(REMITTANCE),
    "settings": _settings,
    "environment": lambda: list(ENVIRONMENT),
    "mapping": _mapping,
    "manifest": _patches,
    "arrays": _npz,
    "edited_artefact": _edits,
    "snapshots": _manifests,
    "edited_snapshot": _edits,
    "dispositions": lambda: _json(VERDICT, REPORT, UNDO),
    "alerts": lambda: _json(ALERT),
    "dead_letters": lambda: [LETTER],
    "models": _models,
    "files": _files,
    **dict.fromkeys(
        ("planted_nothing", "planted_exception", "planted_depth", "planted_hang", "planted_crash"),
        lambda: [b'{"a":1}'],
    ),
}

_WORDS = [
    *b"null true -1 0 1e999 NaN -Infinity 1e308 1e-400 9007199254740993 {} [] [[[[ \\ _ +".split(),
    *b"\\u0000 \\ud800 \\u2028 0001-01-01 9999-12-31T23:59:59Z 2024-02-30 2024-03-31T02:30:00 24:00 :60".split(),
    *(b"9" * 20, b"9" * 400, b'""', b'\\"', b" ", b"\t", b"\r\n"),
    *(b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc2\xa0", b"\xd9\xa3"),
]

_OF_RECORDS = [RS, *b'EUR USD JPY -0.0 0.125 180.0001 1099511627775 "amount": [0]'.split()]

_WORDS_OF: dict[str, list[bytes]] = {
    **dict.fromkeys(("log", "handbook", "cards", "transfers", "remittances"), _OF_RECORDS),
    "chunks": [
        *_OF_RECORDS,
        *b'"ids": "id": "who": {"id":null} "2024-06-01 12:00" +02:00 .999999 5411 "sum":{'.split(),
        *b"1e-1 2 .5 57.160000000000004".split(),
        *(b"\xe2\x80\x83", b"\xf0\x9f\x98\x80", b"\xc2\x80", b"\x7f", b"\0", b"x" * 257),
    ],
    "cash": [RS, b"31/12/2024 23:05", b"29/02/2023 00:00", *b'; " "" , W D'.split()],
    "settings": [
        *b"source: sources: legs: mapping: csv: &a *a !!binary 1h 999999999d 0s Europe/Paris ../etc".split(),
        *b'"\\x00" "\\U0010ffff" %z %f epoch_us currency windows utf-7 rates:'.split(),
        *(b"{path: x}", b"{constant: 1}", b"<<: *a", b"- ", b"? ", b"|\n", b"\n  "),
    ],
    "environment": [
        *b"FRAUDWATCH_ __ = [ SOURCES__X__LEGS= SOURCE__MAPPING__STATUS= FEATURES__WINDOWS=".split(),
        *b"FRAUDWATCH_RATES__USD= FRAUDWATCH_KAFKA=".split(),
        *(b"\n-", b"{a: [b]}"),
    ],
    "mapping": [
        RS,
        *b'"constant": "path": "format": "zone": "values":{ "legs":[ "status" epoch_us %f %z %Y'.split(),
        *b"\\\\. .0 .99999 utf-7 utf-16 idna rot13 undefined".split(),
    ],
    "manifest": b'"content":{ "rows": "population":{ 0.0 100000000 4611686018427387904'.split(),
    "snapshots": [
        *b'"history" "policy" "training" "kind":{ "shape":[ |O <U8 >i8 |V8 |b1 "pieces":['.split(),
        *(b"4611686018427387904", b"16777216", b'"fields":[["a","<i8",0,[]]]'),
    ],
    "arrays": [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x93NUMPY", b"'fortran_order': True", b"'|O'"],
    "dispositions": b'"undo" "report" "inconclusive" 2024-02-30T00:00:00.000Z 2147483648'.split(),
    "alerts": b'"update" "low" "profile" "sample":true 1e400 -0.0'.split(),
    "dead_letters": [b"\nstage=pipeline", b"\noffset=", b"internal", b"1_0", b"0x1", b"9" * 5_000],
    "models": [
        *(RS, BETWEEN, b"v1/\xc2\xb2", b"v1/\xd9\xa3", b"v1/" + b"9" * 5_000),
        *b'v1/ /manifest newest "chunks": 1000000000000 -5 v1/-1'.split(),
        *b'/candidate /decision /choice chosen "choice":"x" "after":"x" "comparison":{'.split(),
    ],
    "files": [b"\x1f\x8b\x08", b"\x00", b",", b"account_id,client_id\n"],
}
