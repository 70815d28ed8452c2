from __future__ import annotations

import re

import pytest

import qvar
from qvar.ansatz.catalogue import all_ansatze
from qvar.citations import bibtex, entries
from qvar.problems.named_problems import named


def fields(entry: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, flags=re.MULTILINE))


@pytest.mark.parametrize("key", list(entries()))
def test_every_entry_is_complete(key: str) -> None:
    entry = entries()[key]
    found = fields(entry)
    assert {"author", "title", "year"} <= set(found)
    assert {"doi", "url"} & set(found)
    assert re.fullmatch(r"(19|20)\d\d", found["year"])
    first_author = re.sub(r"\W", "", found["author"].split(",")[0].split(" and ")[0]).lower()
    of_author = re.fullmatch(first_author + found["year"] + "[a-z]*", key)  # letters distinguish papers of one year
    assert of_author or key in ("jax2018", "deepmind2020")
    if entry.startswith("@article"):
        assert {"journal", "volume", "pages", "doi"} <= set(found)
    if "doi" in found:
        assert re.fullmatch(r"10\.\d{4,5}/\S+", found["doi"])
    if "eprint" in found:
        assert found["url"] == f"https://arxiv.org/abs/{found['eprint']}"
        assert found["archivePrefix"] == "arXiv"


@pytest.mark.parametrize("key", list(entries()))
def test_every_entry_can_be_read_by_bibtex(key: str) -> None:
    entry = entries()[key]
    assert re.match(rf"@(article|misc|inproceedings|book)\{{{key},\n", entry)
    depth = 0
    for position, letter in enumerate(entry):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth > 0 or position in range(entry.index("{")) or position == len(entry) - 1
    assert depth == 0
    assert entry.isascii()  # BibTeX sorts and cuts names byte by byte
    lines = entry.splitlines()[1:-1]
    assert all(line.endswith(",") for line in lines[:-1])
    assert not lines[-1].endswith(",")
    assert len(fields(entry)) == len(lines)
    for name, value in fields(entry).items():
        assert "&" not in value, name
        if name == "pages" and "-" in value:
            assert re.fullmatch(r"\d+--\d+", value)


def test_entries_are_sorted_and_different() -> None:
    assert list(entries()) == sorted(entries())
    dois = [fields(entry)["doi"].lower() for entry in entries().values() if "doi" in fields(entry)]
    assert len(set(dois)) == len(dois)


@pytest.mark.parametrize("problem_name", ["h2", "h4", "tfim", "heisenberg", "hubbard"])
def test_every_key_that_is_used_is_there(problem_name: str) -> None:
    built, _ = all_ansatze(named(problem_name), layers=1)
    used = {key for ansatz in built.values() for key in ansatz.citations}
    assert used - set(entries()) == set()


def test_every_ansatz_of_the_table_has_a_reference() -> None:
    built, _ = all_ansatze(named("h4"), layers=1)
    assert [name for name, ansatz in built.items() if not ansatz.citations] == []


def test_methods_are_cited() -> None:
    assert {"liu1989", "deepmind2020"} <= set(qvar.lbfgs().citations) <= set(entries())
    assert {"kingma2014", "deepmind2020"} <= set(qvar.adam().citations) <= set(entries())


def test_bibtex_gives_each_once_in_order() -> None:
    text = bibtex(["sim2019", "gard2020", "sim2019"])
    assert text == entries()["gard2020"] + "\n\n" + entries()["sim2019"]
    with pytest.raises(qvar.QvarError, match="there is no 'nobody1900'"):
        bibtex(["gard2020", "nobody1900"])


def test_a_duel_says_what_it_rests_on() -> None:
    h2, tfim = named("h2"), named("tfim")
    molecule = qvar.Duel(h2, [qvar.uccsd(h2), qvar.hardware_efficient(h2)], method=qvar.adam())
    always = {"jax2018", "deepmind2020", "jones2020", "bergholm2018"}
    assert set(molecule.citations) >= {*always, "sun2020", "kingma2014", "kandala2017", "peruzzo2014"}
    assert "liu1989" not in molecule.citations
    spins = qvar.Duel(tfim, [qvar.hardware_efficient(tfim)])
    assert set(spins.citations) >= {*always, "liu1989", "kandala2017"}
    assert not set(spins.citations) & {"sun2020", "peruzzo2014"}
    alone = qvar.Duel(tfim, [qvar.energy(tfim, qvar.hardware_efficient(tfim))])
    assert not set(alone.citations) & {"kandala2017", "jones2020"}  # an objective brings everything itself
