"""Blocks explain themselves, keep their secrets, and refuse what could not work."""

from __future__ import annotations

import inspect
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block, InvalidBlockRegistration
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

import blocks
from blocks.account import Account
from blocks.axelglobe_tasking import AxelGlobeTasking
from blocks.image_archive import ImageArchive
from blocks.order_ledger import OrderLedger
from blocks.webhook_receiver import WebhookReceiver
from tasking.budget import AccountBudget
from tasking.errors import InvalidOrder
from tasking.price_list import PriceList
from tests.support.account_blocks import ACCOUNT, OURS


@pytest.mark.parametrize("block", dict.fromkeys(OURS), ids=lambda block: block.__name__)
class TestEachBlock(BlockStandardTestSuite):
    """Prefect's own suite. Blocks ship without a logo: Prefect takes web addresses only, and ours need no network."""

    @pytest.fixture
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        kind: type[Block] = request.param
        return kind

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """Takes the place of the suite's check, which loads a picture from the web."""
        assert block._logo_url is None

    def test_every_field_has_a_title(self, block: type[Block]) -> None:
        assert [name for name, field in block.model_fields.items() if not field.title] == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("api_url", "http://api.axelglobe.com/", "https"),
        ("api_url", "api.axelglobe.com", "api_url"),
        ("api_url", "ftp://api.axelglobe.com", "api_url"),
        ("api_url", "https://me:pass@api.axelglobe.com/", "api_url"),
        ("token_url", "http://auth.example.com/oauth/token", "token_url"),
        ("token_url", "", "token_url"),
        ("client_id", "", "client_id"),
        ("client_secret", "", "client_secret"),
        ("audience", "", "audience"),
        ("settle_seconds", 0, "settle_seconds"),
        ("settle_seconds", 20, "time-outs"),
        ("poll_interval_seconds", -1, "poll_interval_seconds"),
        ("http", {"read_seconds": 0}, "read_seconds"),
        ("http", {"attempts": 0}, "attempts"),
        ("http", {"requests_per_second": 0}, "requests_per_second"),
    ],
)
def test_an_account_that_could_not_work_is_refused_by_field(field: str, value: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AxelGlobeTasking(**{**ACCOUNT, field: value})
    assert said in str(caught.value)
    assert "a-secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    "api_url", ["http://127.0.0.1:8600/wfs/tasking/v2/", "http://localhost:8600", "http://[::1]:8600"]
)
def test_plain_http_is_accepted_for_loopback_only(api_url: str) -> None:
    assert AxelGlobeTasking(**{**ACCOUNT, "api_url": api_url}).settings().api_url.startswith(api_url)


def test_a_secret_is_never_shown() -> None:
    account = AxelGlobeTasking(**ACCOUNT)
    assert "a-secret-value" not in f"{account!r} {account} {account.settings()!r}"


def test_the_client_id_is_hidden_like_the_secret() -> None:
    for kind in Account.__subclasses__():
        form = kind.model_json_schema()["properties"]["client_id"]
        assert (form["format"], form["title"]) == ("password", "Client ID")
    account = AxelGlobeTasking(**{**ACCOUNT, "client_id": "an-id-to-hide"})
    assert "an-id-to-hide" not in f"{account!r} {account} {account.settings()!r}"
    receiver = WebhookReceiver.model_validate({"client_id": "an-id-to-hide", "client_secret": "x" * 32})
    assert "an-id-to-hide" not in f"{receiver!r} {receiver}"
    (shown, _empty) = WebhookReceiver.model_json_schema()["properties"]["client_id"]["anyOf"]
    assert shown["format"] == "password"


@pytest.mark.parametrize(
    "url", ["relative/folder", "s3://bucket/folder", "", "file://host/folder", "https://example.com"]
)
def test_an_archive_that_is_no_folder_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        ImageArchive(url=url)


@pytest.mark.parametrize(
    "url", ["mysql://host/db", "ledger.sqlite", "", "sqlite", "postgresql+asyncpg://host/db", "postgresql://host/db"]
)
def test_a_ledger_that_is_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="sqlite:////folder"):
        OrderLedger(url=SecretStr(url))


def test_a_ledger_without_an_address_is_a_file_at_home(home: Any) -> None:
    ledger = OrderLedger().open()
    assert ledger.orders() == []
    assert (home / "ledger.sqlite").exists()
    ledger.close()


def test_prefects_own_command_finds_each_block_to_register() -> None:
    found = [kind for _, kind in inspect.getmembers(blocks) if Block.is_block_class(kind)]
    assert len(found) == len(set(found))
    assert set(found) - {Account} == set(OURS)
    with pytest.raises(InvalidBlockRegistration):  # or the UI would offer a block that no order can use
        Account.register_type_and_schema()


def test_an_archive_whose_folder_cannot_be_made_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidOrder, match=r"archive: .*/file/archive: this folder cannot be made \(Not a directory\)"):
        ImageArchive(url=str(tmp_path / "file" / "archive")).folder()


def test_limits_and_prices_of_an_account_are_saved_and_a_block_of_before_has_none() -> None:
    old = AxelGlobeTasking(**ACCOUNT).settings()
    assert (old.budget, old.price_list) == (AccountBudget(), PriceList())
    budget = {"per_month": "0.1", "per_site_and_month": 800, "currency": "eur"}
    prices = {"per_km2": 0.35, "currency": "EUR", "by_priority": {"EMERGENCY": {"per_capture": 3}}}
    account = AxelGlobeTasking(**{**ACCOUNT, "budget": budget, "price_list": prices})
    saved = json.loads(json.dumps(account.model_dump(include={"budget", "price_list"})))
    assert saved["budget"] == {"per_month": 0.1, "per_site_and_month": 800.0, "currency": "EUR"}
    again = AxelGlobeTasking(**ACCOUNT, **saved)
    assert (again.settings().budget, again.settings().price_list) == (account.budget, account.price_list)
    with again.open() as provider:
        assert provider.budget.per_month == Decimal("0.1")
