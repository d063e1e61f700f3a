"""Names and sites: every script of the world is taken, and nothing that hides or turns what is shown."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import InvalidOrder
from tasking.order import order_from
from tests.support.order_fields import GOOD

NAMES = json.loads((Path(__file__).parents[1] / "fixtures" / "input" / "names.json").read_text())
SCRIPTS = [
    "Порт Выборг",
    "বন্দর",
    "ท่าเรือ\u200bกรุงเทพ",
    "ឧបទ្វីប\u200bកំពង់",
    "נמל חיפה\u200e 2",
    "ميناء \u200fجدة",
    "မြန်မာ",
    "부산항",
    "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",
    "𠮷野家 前",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f Dover",
    "❤\ufe0f harbour",
    "№ 7 (½ area)",
    "Zu\u0308rich",
]


@pytest.mark.parametrize("name", [*NAMES["accept"], *SCRIPTS])
def test_names_of_every_script_are_kept_as_written(name: str) -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "name": name}).name == name


@pytest.mark.parametrize(
    "name",
    [
        *NAMES["refuse"],
        *(f"a{hidden}b" for hidden in "\t\r\x1b\x7f\x85\u2028\u2029\u202a\u202d\u2066\u2067\u2069\u206f\ufeff\ufff9"),
        "a\U000e0041b",
        "🏴\U000e0067 without an end",
        "a\ue000b",
        "a\ufffeb",
        "a\ud800b",
        "\u200d\u200c",
        "\u200b",
        "\u3000\u00a0",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("field", ["name", "site"])
def test_what_hides_or_turns_text_is_refused(field: str, name: str) -> None:
    if field == "site" and not name.strip():
        return  # an empty site is none
    with pytest.raises(InvalidOrder, match=f"^{field}: ") as refused:
        order_from(AxelGlobeOrder, {**GOOD, field: name})
    assert str(refused.value).isprintable()


def test_the_refused_character_is_named_with_its_place() -> None:
    with pytest.raises(InvalidOrder, match=r"U\+202E \(right-to-left override\) at 6"):
        order_from(AxelGlobeOrder, {**GOOD, "name": "Tokyo\u202eyaB"})


def test_a_site_is_the_same_however_its_letters_were_typed() -> None:
    """Or two orders for one site are open at once, each paid for."""
    typed = [unicodedata.normalize(form, "Zürich 東京") for form in ("NFC", "NFD")]
    assert typed[0] != typed[1]
    sites = {order_from(AxelGlobeOrder, {**GOOD, "site": f" {site}\u3000"}).site for site in typed}
    assert sites == {"Zürich 東京"}


def test_spaces_and_marks_around_a_name_are_dropped() -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "name": "\ufeff\u3000Tokyo Bay\u00a0"}).name == "Tokyo Bay"
