"""Plans, requests, what they yield, and announced creates in tables of their own; the journal is for people only.

Until here an order held its requests as JSON, and announcements and some facts were read back out of the journal. They
are taken over from there. The columns they stood in go, so that code of before stops at this ledger, and does not write
where nobody reads any more: its orders wait until it is replaced.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.DateTime(timezone=True)

ORDERS = sa.table(
    "orders",
    *(sa.column(name, sa.JSON) for name in ("requests", "delivered", "deferred_end")),
    *(sa.column(name, TIME) for name in ("planned_at", "next_try_since", "updated", "created", "ended")),
    *(sa.column(name) for name in ("reference", "account", "plan_id", "plans_forgotten", "price", "currency")),
    *(sa.column(name) for name in ("environment", "deployment_id", "deployment_name")),
    *(sa.column(name) for name in ("approval_question", "approvals_asked", "home")),
)
JOURNAL = sa.table(
    "journal",
    sa.column("at", TIME),
    sa.column("detail", sa.JSON),
    *(sa.column(name) for name in ("id", "reference", "event", "message", "once")),
)


class Line(NamedTuple):
    """A line of the journal."""

    at: datetime
    event: str
    message: str
    detail: dict[str, Any]
    once: str | None


def upgrade() -> None:
    """Make the tables, fill them, and take away where it stood."""
    _add_columns()
    tables = _make_tables()
    connection = op.get_bind()
    archives: dict[str, dict[str, Any]] = {}
    for order, journal in _orders(connection):
        _take_over(connection, tables, order, journal)
        for line in journal:
            if line.once is not None and line.once.startswith("archive used/"):
                key = line.once.removeprefix("archive used/")
                archives.setdefault(
                    key,
                    {
                        "key": key,
                        "address": line.detail.get("address", ""),
                        "reference": order["reference"],
                        "first_used": line.at,
                    },
                )
    if archives:
        connection.execute(tables["archives"].insert(), list(archives.values()))
    for column in ("plan_id", "planned_at", "plans_forgotten", "requests", "delivered"):
        op.drop_column("orders", column)
    if connection.dialect.name == "sqlite":  # which takes no unique column away: the table is made anew
        _make_journal_anew()
    else:
        op.drop_column("journal", "once")


def _make_journal_anew() -> None:
    columns = ("id", "reference", "at", "event", "message", "detail")
    op.create_table(
        "journal_anew",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("reference", sa.String(100), sa.ForeignKey("orders.reference"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    names = ", ".join(columns)
    op.execute(f"INSERT INTO journal_anew ({names}) SELECT {names} FROM journal")  # noqa: S608 - our own names
    op.drop_table("journal")
    op.rename_table("journal_anew", "journal")
    op.create_index("ix_journal_reference", "journal", ["reference"])


def _add_columns() -> None:
    for column in (
        sa.Column("environment", sa.Text),
        sa.Column("deployment_id", sa.String(40)),
        sa.Column("deployment_name", sa.Text),
        sa.Column("approval_question", sa.Text),
        sa.Column("approvals_asked", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_try_since", TIME),
        sa.Column("deferred_end", sa.JSON),
        sa.Column("home", sa.Text),
    ):
        op.add_column("orders", column)


def _make_tables() -> dict[str, sa.Table]:
    def order() -> sa.Column[Any]:
        return sa.Column("reference", sa.String(100), sa.ForeignKey("orders.reference"), nullable=False)

    def number() -> sa.Column[Any]:
        return sa.Column("id", sa.Integer, primary_key=True, autoincrement=True)

    made = [
        op.create_table(
            "plans",
            number(),
            order(),
            sa.Column("account", sa.String(200), nullable=False),
            sa.Column("environment", sa.Text),
            sa.Column("label", sa.String(150), nullable=False),
            sa.Column("provider_plan_id", sa.Text),
            sa.Column("planned_at", TIME),
            sa.Column("forgotten_at", TIME),
        ),
        op.create_table(
            "requests",
            number(),
            order(),
            sa.Column("account", sa.String(200), nullable=False),
            sa.Column("environment", sa.Text),
            sa.Column("attempt", sa.Integer, nullable=False),
            sa.Column("label", sa.String(150), nullable=False),
            sa.Column("provider_plan_id", sa.Text),
            sa.Column("candidate", sa.JSON(none_as_null=True)),
            sa.Column("provider_request_id", sa.Text, nullable=False),
            sa.Column("status", sa.String(40)),
            sa.Column("provider_status", sa.Text, nullable=False),
            sa.Column("price", sa.Numeric),
            sa.Column("currency", sa.String(40)),
            sa.Column("cancel_until", TIME),
            sa.Column("next_poll_at", TIME),
            sa.Column("deadline", TIME),
            sa.Column("last", sa.JSON, nullable=False),
            sa.Column("covered_percent", sa.Float),
            sa.UniqueConstraint("reference", "provider_request_id", name="uq_requests_of_an_order"),
        ),
        op.create_table(
            "deliverables",
            number(),
            sa.Column("request_id", sa.Integer, sa.ForeignKey("requests.id"), nullable=False),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("available_since", TIME),
            sa.Column("delivered_at", TIME),
            sa.Column("folders", sa.JSON(none_as_null=True)),
            sa.Column("missing_files", sa.JSON, nullable=False),
            sa.UniqueConstraint("request_id", "name", name="uq_deliverables_of_a_request"),
        ),
        op.create_table(
            "create_attempts",
            number(),
            order(),
            sa.Column("verb", sa.String(20), nullable=False),
            sa.Column("label", sa.String(150), nullable=False),
            sa.Column("round", sa.Integer, nullable=False),
            sa.Column("announced_at", TIME, nullable=False),
            sa.Column("announced_ours", TIME),
            sa.Column("looks", sa.JSON, nullable=False),
            sa.Column("outcome", sa.String(20)),
            sa.Column("settled_at", TIME),
            sa.Column("made_late", sa.Boolean, nullable=False),
            sa.UniqueConstraint("reference", "verb", "label", "round", name="uq_create_attempts_of_a_label"),
        ),
        op.create_table(
            "archives",
            sa.Column("key", sa.String(64), primary_key=True),
            sa.Column("address", sa.Text, nullable=False),
            order(),
            sa.Column("first_used", TIME, nullable=False),
        ),
    ]
    op.create_index("ix_plans_reference", "plans", ["reference"])
    op.create_index("ix_plans_provider_plan_id", "plans", ["provider_plan_id"])
    op.create_index("ix_requests_reference", "requests", ["reference"])
    op.create_index("ix_requests_label", "requests", ["label"])
    op.create_index("ix_requests_status", "requests", ["status"])
    op.create_index("ix_requests_provider_request_id_lower", "requests", [sa.text("lower(provider_request_id)")])
    return {table.name: table for table in made}


def _orders(connection: sa.Connection) -> Iterator[tuple[dict[str, Any], list[Line]]]:
    """Every order with its journal, oldest line first."""
    for order in connection.execute(sa.select(ORDERS).order_by(ORDERS.c.created)).mappings().all():
        columns = (JOURNAL.c.at, JOURNAL.c.event, JOURNAL.c.message, JOURNAL.c.detail, JOURNAL.c.once)
        lines = sa.select(*columns).where(JOURNAL.c.reference == order["reference"]).order_by(JOURNAL.c.id)
        yield dict(order), [Line(*line) for line in connection.execute(lines)]


def _take_over(
    connection: sa.Connection, tables: Mapping[str, sa.Table], order: dict[str, Any], journal: list[Line]
) -> None:
    reference, account = order["reference"], order["account"]
    facts = _facts(order, journal)
    connection.execute(sa.update(ORDERS).where(ORDERS.c.reference == reference).values(**facts))
    place = {"reference": reference, "account": account, "environment": facts["environment"]}
    plans = _plans(order)
    if plans:
        connection.execute(tables["plans"].insert(), [{**place, **one} for one in plans])
    creates = _creates(reference, journal)
    if creates:
        connection.execute(tables["create_attempts"].insert(), [{"reference": reference, **one} for one in creates])
    home = _home(order, journal)
    requests = order["requests"] or []
    for number, held in enumerate(requests, 1):
        row = _request(order, held)
        made = connection.execute(tables["requests"].insert().values(**place, **row))
        assert made.inserted_primary_key is not None
        since = held["last"].get("available_since") or {}
        names = list(held["last"].get("capture_ids") or ())
        if number == len(requests):  # what was delivered before the provider named other things is of the last
            others = {name for one in requests for name in one["last"].get("capture_ids") or ()}
            names += [name for name in order["delivered"] or () if name not in others]
        for name in names:
            connection.execute(
                tables["deliverables"].insert(),
                {
                    "request_id": made.inserted_primary_key[0],
                    "name": name,
                    "available_since": _time(since.get(name)),
                    **home.get(name, {"delivered_at": None, "folders": None, "missing_files": []}),
                },
            )


def _facts(order: Mapping[str, Any], journal: list[Line]) -> dict[str, Any]:
    """What was read back out of the journal, for columns of the order."""
    attempt = len(order["requests"] or []) + 1
    facts: dict[str, Any] = {
        "environment": None,
        "deployment_id": None,
        "deployment_name": None,
        "approval_question": None,
        "approvals_asked": 0,
        "next_try_since": None,
        "deferred_end": None,
        "home": None,
    }
    for line in journal:
        if line.event == "account":
            facts["environment"] = line.detail.get("environment")
        elif line.event == "deployment":
            by = line.detail.get("deployment") or {}
            facts["deployment_id"], facts["deployment_name"] = by.get("id"), by.get("name")
        elif line.event == "approval asked":
            facts["approval_question"] = line.message
            facts["approvals_asked"] += 1
        elif line.event == "approved":
            facts["approval_question"] = None
        elif line.event == "reopened":
            facts["approval_question"] = facts["deferred_end"] = None
        elif line.event == "next try" and line.detail.get("try") == attempt:
            facts["next_try_since"] = facts["next_try_since"] or _time(line.detail["at"])
        elif line.event == "end put off" and order["requests"]:
            facts["deferred_end"] = {"status": line.detail["status"], "message": line.message}
        elif line.event == "delivered":
            facts["home"] = line.detail.get("home") or facts["home"]
    return facts


def _plans(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The plan in use, and those that were forgotten before it, of which nobody kept the ids."""
    reference, count = order["reference"], order["plans_forgotten"]
    labels = [reference if number == 0 else f"{reference}~{number + 1}" for number in range(count + 1)]
    rows = [
        {"label": label, "provider_plan_id": None, "planned_at": None, "forgotten_at": order["updated"]}
        for label in labels[:-1]
    ]
    if order["plan_id"] is not None:
        used = {"label": labels[-1], "provider_plan_id": order["plan_id"], "planned_at": order["planned_at"]}
        rows.append({**used, "forgotten_at": None})
    return rows


def _creates(reference: str, journal: list[Line]) -> list[dict[str, Any]]:
    """The announcements, with the looks for them and what became of them."""
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    for line in journal:
        verb, _, word = line.event.partition(" ")
        if verb not in ("plan", "request") or not {"label", "round", "at"} <= line.detail.keys():
            continue
        key = (verb, line.detail["label"], line.detail["round"])
        if word == "intended":
            rows[key] = {
                "verb": verb,
                "label": key[1],
                "round": key[2],
                "announced_at": _time(line.detail["at"]),
                "announced_ours": _time(line.detail.get("ours")),
                "looks": [],
                "outcome": None,
                "settled_at": None,
                "made_late": False,
            }
        elif key not in rows:
            continue
        elif word == "not seen":
            rows[key]["looks"].append(line.detail["looked"])
        elif word == "made late":
            rows[key]["made_late"] = True
        elif line.once == f"{reference}/{verb}/{key[1]}/{key[2]}/outcome":
            rows[key]["outcome"], rows[key]["settled_at"] = word, line.at
    return list(rows.values())


def _home(order: Mapping[str, Any], journal: list[Line]) -> dict[str, dict[str, Any]]:
    """By name, what is in the archive, and what was noted of it."""
    noted: defaultdict[str, dict[str, Any]] = defaultdict(
        lambda: {"delivered_at": order["updated"], "folders": None, "missing_files": []}
    )
    for line in journal:
        if line.event != "delivered":
            continue
        for name, folders in (line.detail.get("folders") or {}).items():
            noted[name] |= {"delivered_at": line.at, "folders": folders}
        for name, missing in (line.detail.get("left_out") or {}).items():
            noted[name]["missing_files"] = missing
    kept = {name: noted[name] for name in order["delivered"] or ()}
    # what is no longer there keeps what is known of it, and is delivered again
    gone = {name: {**facts, "delivered_at": None} for name, facts in noted.items() if name not in kept}
    return kept | gone


def _request(order: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    last = {name: value for name, value in held["last"].items() if name != "available_since"}
    return {
        "attempt": held["attempt"],
        "label": held["label"],
        "provider_plan_id": order["plan_id"],
        "candidate": held.get("candidate"),
        "provider_request_id": last["id"],
        "status": last.get("status"),
        "provider_status": last.get("provider_status") or "",
        "price": order["price"],
        "currency": order["currency"],
        "cancel_until": _time(last.get("cancel_until")),
        "next_poll_at": _time(last.get("next_look_at")),
        "deadline": _time(last.get("give_up_at")),
        "last": last,
        "covered_percent": held.get("covered_percent"),
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
