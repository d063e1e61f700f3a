"""Blocks explain themselves, keep their secrets, and refuse what could not work."""

from __future__ import annotations

import pytest
from prefect import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate

from blocks.account import load_account
from blocks.axelglobe_tasking import AxelGlobeTasking
from blocks.image_archive import load_archive
from tasking.errors import InvalidOrder
from tests.support.account_blocks import ACCOUNT
from tests.support.installation import Installation


def test_a_block_that_was_filled_in_wrongly_names_its_field_and_shows_no_value(installation: Installation) -> None:
    AxelGlobeTasking(**ACCOUNT).save("wrong")
    with get_client(sync_client=True) as client:  # as the UI does, which knows no rule of ours
        held = client.read_block_document_by_name("wrong", "axelglobe-tasking")
        data = {**ACCOUNT, "settle_seconds": 20, "client_id": ""}
        client.update_block_document(held.id, BlockDocumentUpdate(data=data))
    with pytest.raises(InvalidOrder) as caught:
        load_account("axelglobe-tasking/wrong")
    said = str(caught.value)
    assert said.startswith("account: axelglobe-tasking/wrong: this block cannot be used: ")
    assert ("settle_seconds" in said or "client_id" in said, "a-secret-value" in said) == (True, False)


def test_a_block_of_the_wrong_kind_or_name_is_said(installation: Installation) -> None:
    with pytest.raises(InvalidOrder, match="not a provider account"):
        load_account("image-archive/default")
    with pytest.raises(InvalidOrder, match="not an archive"):
        load_archive("order-ledger/default")
    with pytest.raises(InvalidOrder, match=r"no such block on the .*server .*axelglobe-tasking named nobody"):
        load_account("axelglobe-tasking/nobody")
    account = load_account("axelglobe-tasking/default")
    assert isinstance(account, AxelGlobeTasking)
    assert account.settings().api_url == installation.simulator.axelglobe.api_url


def test_a_block_that_was_saved_with_its_client_id_in_plain_is_read(installation: Installation) -> None:
    AxelGlobeTasking(**ACCOUNT).save("before")
    with get_client(sync_client=True) as client:  # as an older version saved it
        held = client.read_block_document_by_name("before", "axelglobe-tasking")
        client.update_block_document(held.id, BlockDocumentUpdate(data={**ACCOUNT, "client_id": "plain"}))
    account = load_account("axelglobe-tasking/before")
    assert isinstance(account, AxelGlobeTasking)
    assert account.settings().client_id.get_secret_value() == "plain"
