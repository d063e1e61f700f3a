"""An address means one ledger to all processes, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tasking.errors import InvalidOrder
from tasking.ledger import engine, open_ledger
from tasking.ledger.address import ledger_address

ADDRESSES_OF_NO_LEDGER = [
    ("not a url", "sqlite:////folder"),
    ("sqlite://", "name a file"),
    ("sqlite:///", "name a file"),
    ("sqlite:///:memory:", "name a file"),
    ("sqlite:////data/x?mode=memory", "name a file"),
    ("sqlite:///file::memory:?cache=shared&uri=true", "name a file"),
    ("sqlite:///ledger.sqlite", "is relative, so each process would keep a ledger of its own"),
    ("sqlite:///./ledger.sqlite", "is relative"),
    ("sqlite:///data/ledger.sqlite", "is relative"),
    ("sqlite:///../ledger.sqlite", "is relative"),
    ("sqlite:///$HOME/ledger.sqlite", "is relative"),
    ("sqlite:///~/ledger.sqlite", "~ is another folder for each user"),
    ("sqlite:///~worker/ledger.sqlite", "~ is another folder for each user"),
    ("sqlite://ledger.sqlite", "two slashes name a host"),
    ("sqlite://data/ledger.sqlite", "two slashes name a host"),
    ("sqlite:///file:/data/ledger.sqlite?uri=true", "write the path itself"),
    ("sqlite:///file:ledger.sqlite", "write the path itself"),
    ("sqlite:////data/", "is a folder"),
    ("sqlite+pysqlite:////data/ledger.sqlite", "sqlite:////folder"),
    ("sqlite+aiosqlite:////data/ledger.sqlite", "sqlite:////folder"),
    ("/data/ledger.sqlite", "sqlite:////folder"),
    ("file:///data/ledger.sqlite", "sqlite:////folder"),
    ("mysql://me:pass-word@host/db", "sqlite:////folder"),
    ("postgresql://me:pass-word@host/db", r"\(postgresql\): write sqlite:////folder"),
    ("postgresql+asyncpg://me:pass-word@host/db", r"\+asyncpg is for Prefect's own database"),
    ("postgresql+psycopg://me:pass-word@", "name the host"),
    ("postgresql+psycopg:///db", "name the host"),
    ("postgresql+psycopg://me:pass-word@host", "name the database after the host"),
    ("postgresql+psycopg://me:pass-word@host/", "name the database after the host"),
    ("postgresql+psycopg:///?service=ledger&password=pass-word", "a service is looked up"),
    ("postgresql+psycopg://me:pass@word@host/db", "%40"),
]


@pytest.mark.parametrize(("url", "said"), ADDRESSES_OF_NO_LEDGER)
def test_an_address_that_two_processes_may_read_as_two_ledgers_is_refused(
    url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ledgers do not see each other's orders: the same order is bought twice."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidOrder, match=said) as refused:
        open_ledger(url)
    assert str(refused.value).startswith("url: ")
    assert "pass-word" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []  # nothing was made either


@pytest.mark.parametrize(
    "url",
    [
        " sqlite:////data/ledger.sqlite\n",
        "postgresql+psycopg://host/db",
        "postgresql+psycopg://me:pass%40word@host:5433/db?sslmode=require",
        "postgresql+psycopg:///db?host=/run/postgresql",
        "postgresql+psycopg://me@/?host=host&dbname=db",
    ],
)
def test_an_address_that_means_one_database_is_taken(url: str) -> None:
    assert ledger_address(url) == make_url(url.strip())


def test_a_wrong_url_never_shows_its_password() -> None:
    with pytest.raises(ValueError, match="not a database URL") as caught:
        open_ledger("postgresql//me:pass-word@host/db")
    assert "pass-word" not in str(caught.value)


def test_a_ledger_address_keeps_its_own_patience_with_postgres_and_gets_the_rest() -> None:
    own = engine._patience(make_url("postgresql+psycopg://host/db?connect_timeout=3&keepalives=0"))
    assert {"connect_timeout", "keepalives"} & own.keys() == set()
    assert own["tcp_user_timeout"] == 60_000
