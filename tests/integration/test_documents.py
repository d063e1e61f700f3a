"""What the pages and docstrings name exists, the reference is as the code has it, and the pages are easy to read."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import prefect.settings
import pytest

from tasking.status import OrderStatus, StatusCode

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("tasking/**/*.md")])
PACKAGES = tuple(sorted(folder.parent.name for folder in ROOT.glob("*/__init__.py")))
FOLDERS = (*PACKAGES, "docs", "tests")

CODE_BLOCK = re.compile(r"^```.*?^```$", flags=re.DOTALL | re.MULTILINE)
TICKED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def sources() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists())


def product() -> list[Path]:
    """What orders are carried out with."""
    ours = ("tasking", "blocks", "tasks", "flows")
    return [path for path in sources() if path.relative_to(ROOT).parts[0] in ours and "simulator" not in path.parts]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def docstrings(path: Path) -> Iterator[str]:
    """Docstrings of modules, classes and functions, and the texts below attributes."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


@cache
def resolves(dotted: str) -> bool:
    """Whether a dotted name is a module of this project, or something in one; or a setting of Prefect."""
    if hasattr(prefect.settings, f"PREFECT_{dotted.upper().replace('.', '_')}"):
        return True
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        folder = ROOT.joinpath(*parts[:count])
        if not (folder / "__init__.py").exists() and not folder.with_suffix(".py").exists():
            continue
        found: object = importlib.import_module(".".join(parts[:count]))
        for attribute in parts[count:]:
            if not hasattr(found, attribute) and attribute not in _own_fields(found):
                return False
            found = getattr(found, attribute, None)
        return True
    return False


def _own_fields(found: object) -> set[str]:
    """Fields of a class that are only annotated."""
    kinds = found.__mro__ if isinstance(found, type) else ()
    return {field for kind in kinds for field in getattr(kind, "__annotations__", {})}


def named_code(text: str) -> set[str]:
    """The dotted names of this project in backticks."""
    roots = "|".join(PACKAGES)
    dotted = re.compile(rf"(?:{roots})(?:\.[A-Za-z_]\w*)+")
    return {
        found[0] for ticked in TICKED.findall(text) if (found := dotted.fullmatch(ticked.strip("~").removesuffix("()")))
    }


def named_files(text: str) -> set[str]:
    """The files and folders of the repository that are named, in backticks or as pages."""
    folders = "|".join(FOLDERS)
    ticked = {one for one in TICKED.findall(text) if re.fullmatch(rf"(?:{folders})(?:/[\w.*<>-]*)+", one)}
    pages = set(re.findall(r"\bdocs/[\w/-]+\.md\b", text))
    return {one for one in ticked | pages if "<" not in one}


def stands(path: str) -> bool:
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()


def test_all_code_and_all_files_that_docstrings_name_exist() -> None:
    stale = []
    for path in sources():
        named = named_code(path.read_text()) | named_files(path.read_text())
        unknown = {one for one in named if not (stands(one) if "/" in one else resolves(one))}
        if unknown:  # only then it matters whether it stands in a docstring, or in code
            told = [named_code(text) | named_files(text) for text in docstrings(path)]
            stale += [f"{name(path)}: {one}" for one in sorted(unknown & set().union(*told))]
    assert stale == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_all_code_and_all_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    run = {one for one in re.findall(r"python -m ([\w.]+)", text) if one.split(".")[0] in PACKAGES}
    code = named_code(CODE_BLOCK.sub("", text)) | run
    assert [one for one in sorted(code) if not resolves(one)] == []
    assert [one for one in sorted(named_files(text)) if not stands(one)] == []


def test_every_class_with_a_member_that_docstrings_name_has_it() -> None:
    members: dict[str, set[str]] = {}
    bases: dict[str, set[str]] = {}
    for path in product():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                members.setdefault(node.name, set()).update(_members(node))
                bases.setdefault(node.name, set()).update(ast.unparse(base).split(".")[-1] for base in node.bases)

    def has(kind: str, member: str) -> bool:
        if kind not in members:  # of a library: what it has is not told here
            return True
        return member in members[kind] or any(base != "Protocol" and has(base, member) for base in bases[kind] - {kind})

    own = re.compile(r"([A-Z]\w+)\.(\w+)")
    stale = [
        f"{name(path)}: {found[0]}"
        for path in product()
        for text in docstrings(path)
        for ticked in TICKED.findall(text)
        if (found := own.fullmatch(ticked.removesuffix("()")))
        and found[1] in members
        and not _from_a_library(bases, found[1])
        and not has(found[1], found[2])
    ]
    assert stale == []


def _members(node: ast.ClassDef) -> set[str]:
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(one.name)
        elif isinstance(one, ast.AnnAssign):
            found.add(ast.unparse(one.target).removeprefix("self."))
        elif isinstance(one, ast.Assign):
            targets = [each for target in one.targets for each in getattr(target, "elts", [target])]
            found |= {ast.unparse(each).removeprefix("self.") for each in targets}
    return found


def _from_a_library(bases: dict[str, set[str]], kind: str) -> bool:
    """Whether a class inherits from one that is not ours, other than a plain model or protocol."""
    plain = {"BaseModel", "Protocol", "NamedTuple", "ABC", "StrEnum", "object", "Exception"}
    return any(base not in plain and (base not in bases or _from_a_library(bases, base)) for base in bases[kind])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_python_of_a_page_can_be_read_and_imports_what_exists(page: Path) -> None:
    stale = []
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module:
                there = importlib.import_module(node.module)
                stale += [f"{node.module}.{one.name}" for one in node.names if not hasattr(there, one.name)]
    assert stale == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = CODE_BLOCK.sub("", page.read_text())
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading.strip()).lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_to_a_page_and_to_a_heading_of_it(page: Path) -> None:
    stale = []
    for target in LINK.findall(CODE_BLOCK.sub("", page.read_text())):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            stale.append(target)
    assert stale == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = [one.partition("#")[0] for one in LINK.findall(page.read_text()) if not one.startswith("http")]
        ahead += [(page.parent / one).resolve() for one in targets if one and (page.parent / one).is_file()]
    reached = {name(page) for page in seen}
    assert {name(page) for page in PAGES} - reached == set()


# Prose: one idea a sentence


MOST_WORDS, WORDS_ON_AVERAGE = 35, 18


def blocks_of(page: str) -> Iterator[tuple[bool, str]]:
    """Whether it is running text, and the text of each paragraph, entry of a list and cell of a table."""
    text = CODE_BLOCK.sub("\n", page)
    text = re.sub(r"<!--.*?-->", "\n", text, flags=re.DOTALL)
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        is_entry = re.match(r"\s*(?:[-*]|\d+\.) ", line)
        if paragraph and (not line.strip() or is_entry or line.startswith(("#", "|"))):
            yield True, " ".join(paragraph)
            paragraph = []
        if line.startswith("|"):
            yield from ((False, cell) for cell in line.strip("|").split(" | "))
        elif line.strip() and not line.startswith("#"):
            paragraph.append(re.sub(r"^\s*(?:[-*]|\d+\.) ", "", line).strip())


def sentences(text: str) -> list[int]:
    """How many words each sentence has; a piece of code is one word, and a link its text."""
    plain = re.sub(r"``?[^`]*``?", "code", text)
    plain = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", plain)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    plain = re.sub(r"[*_]{1,2}(?=\S)|(?<=\S)[*_]{1,2}", "", plain)
    plain = re.sub(r"\b(e\.g|i\.e|etc|vs|no|Inc)\.", r"\1", plain)
    counts = (len(re.findall(r"\w[\w'’.,/:°%+-]*", one)) for one in re.split(r"[.!?][\"')*]*(?=\s|$)", plain))
    return [count for count in counts if count]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_sentences_of_a_page_are_short(page: Path) -> None:
    found = [(running, text, sentences(text)) for running, text in blocks_of(page.read_text())]
    too_long = [(max(counts), text) for _, text, counts in found if counts and max(counts) > MOST_WORDS]
    assert too_long == []
    counts = [count for running, _, each in found if running for count in each]
    average = sum(counts) / max(len(counts), 1)
    assert average <= WORDS_ON_AVERAGE, f"{average:.1f} words on average"


# The reference is made from the code, or held to it


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "reference" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_make_reference_would_write() -> None:
    generate = _generate()
    old = [name(page) for page in generate.PAGES if generate.renewed(page.read_text()) != page.read_text()]
    assert old == [], "run: make reference"
    used = {part for page in generate.PAGES for part in re.findall(r"<!-- made: ([a-z-]+) -->", page.read_text())}
    assert used == set(generate.PARTS)


def first_column(page: str, heading: str) -> list[str]:
    """What stands in backticks in the first column of the tables below a heading."""
    text = (ROOT / "docs" / "reference" / page).read_text()
    section = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]
    rows = [line.strip("|").split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [word for row in rows for word in TICKED.findall(row)]


def test_the_reference_has_every_status_once_and_no_other() -> None:
    assert sorted(first_column("statuses.md", "Status of an order")) == sorted(OrderStatus)
    assert sorted(first_column("statuses.md", "Status of a request")) == sorted(StatusCode)


def test_the_reference_has_every_setting_of_the_environment_and_no_other() -> None:
    read = {found for path in product() for found in re.findall(r"\bTASKING_[A-Z_]+\b", path.read_text())}
    assert sorted(first_column("settings.md", "Environment of the services")) == sorted(read)


PLACEHOLDERS = {
    "verb": "(plan|request)",
    "outcome": "(made|adopted|refused|absent)",
    "decision": "(approve|decline)",
}
"""What the code puts into the words of the journal, by the name of the variable."""


def journal_words() -> set[str]:
    """Patterns of the words that the code writes into the journal."""
    found: set[str] = set()
    for path in product():
        texts = {
            target.id: node.value
            for node in parsed(path).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call):
                found |= {pattern for one in _words_in(node) for pattern in _patterns(one, texts)}
    return found


def _words_in(call: ast.Call) -> list[ast.expr]:
    """What a call has as the word for the journal, if it has one."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    at = {"record": 1, "note": 2, "Revision": 0, "Amend": 0}.get(called)
    if at is None or len(call.args) <= at:
        return []
    word = call.args[at]
    return [word.body, word.orelse] if isinstance(word, ast.IfExp) else [word]


def _patterns(word: ast.expr, texts: dict[str, ast.expr]) -> list[str]:
    if isinstance(word, ast.Name):
        return _patterns(texts[word.id], texts) if word.id in texts else []
    if isinstance(word, ast.Constant):
        return [re.escape(word.value)] if isinstance(word.value, str) else []
    if isinstance(word, ast.JoinedStr):
        parts = [
            re.escape(str(part.value))
            if isinstance(part, ast.Constant)
            else PLACEHOLDERS[ast.unparse(part).strip("f'{}").split(".")[-1]]
            for part in word.values
        ]
        return ["".join(parts)]
    return []


def test_the_reference_has_every_word_of_the_journal_and_no_other() -> None:
    words = first_column("journal.md", "Words")
    patterns = journal_words()
    assert len(patterns) > 20
    assert [one for one in patterns if not any(re.fullmatch(one, word) for word in words)] == []
    assert [word for word in words if not any(re.fullmatch(one, word) for one in patterns)] == []
    assert len(words) == len(set(words))
