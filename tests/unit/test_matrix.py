"""The rows are sound, tests name parts that are there, and the matrix says no more than the results do."""

from __future__ import annotations

from pathlib import Path

import pytest

import acceptance
import matrix
from acceptance import Part, Row

ROWS = acceptance.read_rows()
PLAIN = Row("X1", "reads and writes a byte", (Part("X1", "reads", "reads"), Part("X1", "writes", "writes a byte")))


def wrong(says: str, *parts: Part) -> list[str]:
    return acceptance.problems({"X1": Row("X1", says, parts)})


def test_the_rows_are_sound() -> None:
    assert acceptance.problems(ROWS) == []


@pytest.mark.parametrize(
    ("test", "name"),
    [(test, name) for name, tests in acceptance.named_in_sources().items() for test in tests],
    ids=lambda text: str(text).rpartition("/")[2],
)
def test_every_test_names_parts_that_are_there(test: str, name: str) -> None:
    assert acceptance.unknown(name, ROWS) == "", test


def test_what_was_proven_still_has_a_test() -> None:
    named = list(acceptance.named_in_sources())
    proven = {name for name, _ in matrix.read_proven(matrix.PROVEN_FILE)}
    assert proven <= set(acceptance.parts_of(ROWS))
    assert [part for part in sorted(proven) if not any(acceptance.matching(n, [part]) for n in named)] == []


def test_a_part_that_no_sentence_explains_is_noticed() -> None:
    assert "no sentence explains it" in wrong("reads", Part("X1", "sings", "sings"), Part("X1", "reads", "reads"))[0]
    assert wrong(PLAIN.says, *PLAIN.parts) == []
    assert wrong("reads a and b", Part("X1", "b", "reads … b"), Part("X1", "a", "a")) == []
    assert "no sentence explains it" in wrong("b and a", Part("X1", "ab", "a … b"))[0], "not in this order"


def test_words_that_no_part_is_about_are_noticed() -> None:
    assert wrong("reads and writes a byte", Part("X1", "reads", "reads")) == ["X1: no part is about 'writes', 'byte'"]
    assert wrong("reads") == ["X1 has no parts"]


def test_two_parts_may_not_claim_the_same_nor_be_for_an_engine_without_a_reason() -> None:
    assert len(wrong("reads", Part("X1", "a", "reads"), Part("X1", "b", "reads"))) == 2
    assert wrong("reads", Part("X1", "a", "reads", here="this"), Part("X1", "b", "reads", here="that")) == []
    assert wrong("reads", Part("X1", "a", "reads", engines="renode")) == [
        "X1.a is for renode only and does not say why"
    ]
    assert wrong("reads", Part("X1", "a", "reads"), Part("X1", "a", "reads", here="more")) == ["X1.a is there twice"]


def test_a_part_without_a_mutant_says_why() -> None:
    assert wrong("reads", Part("X1", "a", "reads", no_mutant=" ")) == ["X1.a has no mutant and does not say why"]
    assert wrong("reads", Part("X1", "a", "reads", no_mutant="it is a page")) == []


def test_a_row_is_no_part_and_a_stranger_is_none_either() -> None:
    assert acceptance.unknown("D11.equal", ROWS) == ""
    assert acceptance.unknown("T4.run-{door}", ROWS) == ""
    assert "it is a row, a test names parts: D11.answers" in acceptance.unknown("D11", ROWS)
    assert "there is no such part: D11.answers" in acceptance.unknown("D11.nonsense", ROWS)
    assert acceptance.unknown("Q1.nonsense", ROWS) == "there is no row Q1"


MARKED = """
import pytest
pytestmark = [pytest.mark.row("D1.same-object")]
SHARED = pytest.mark.row("D2.desc-cfg")
@pytest.mark.row("D2.desc-dev", "D3.list")
def test_function(): ...
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.row("D3.dict")), pytest.param(2, marks=[SHARED])])
def test_parameters(x): ...
"""
TAGGED = """*** Test Cases ***
Should Do One Thing
    [Documentation]    It is not about row:D9.nothing.
    [Tags]    row:D1.same-object    engine:renode
    ...    row:D2.desc-dev@renode
    Log    row:D9.nothing
Should Do Another
    Log    nothing
"""


def test_marks_are_found_wherever_they_stand() -> None:
    assert dict(acceptance.marked(MARKED)) == {
        "test_function": ["D1.same-object", "D2.desc-dev", "D3.list"],
        "test_parameters": ["D1.same-object", "D2.desc-cfg", "D3.dict"],
    }
    assert dict(acceptance.marked(MARKED, engine_needed=True)) == {}
    assert dict(acceptance.tagged(TAGGED)) == {"Should Do One Thing": ["D1.same-object", "D2.desc-dev"]}


def result(status: str, *names: str, engine: str = "embedded", has_board: bool = True) -> matrix.Result:
    return matrix.Result("test", status, f"why {status}", names, engine, has_board)


def cell(*results: matrix.Result, row: Row = PLAIN, column: str = "embedded") -> matrix.RowCell:
    return matrix.judge({row.name: row}, results, {})[row.name][column]


def test_a_row_is_proven_when_each_part_has_a_test_that_passes() -> None:
    reads, writes = result("passed", "X1.reads"), result("passed", "X1.writes")
    assert cell(reads, writes).state == "proven"
    assert cell(reads).state == "1 of 2 parts"
    assert cell(reads, result("skipped", "X1.writes")).state == "1 of 2 parts"
    assert cell(reads, writes, result("failed", "X1.writes")).state == "failing"
    assert cell().state == "no test"
    assert (cell(result("skipped", "X1.reads")).state, cell(result("skipped", "X1.reads")).reason) == (
        "skipped",
        "why skipped",
    )
    assert cell(reads, writes, column="renode").state == "no test"
    assert list(matrix.unproven(cell(reads))) == ["no test: writes"]


def test_what_has_no_board_proves_only_what_needs_none() -> None:
    bare = result("passed", "X1.reads", "X1.writes", has_board=False)
    assert cell(bare).state == "no test"
    free = Row("X1", PLAIN.says, tuple(Part("X1", part.id, part.of, board=False) for part in PLAIN.parts))
    assert cell(bare, row=free).state == "proven"
    assert cell(result("passed", "X1.reads", "X1.writes", engine=""), row=free).state == "no test"


def test_a_part_for_neither_engine_is_proven_by_any_test() -> None:
    row = Row("X1", "reads", (Part("X1", "reads", "reads", engines="neither", why="no board"),))
    proof = result("passed", "X1.reads", engine="")
    assert (cell(proof, row=row).state, cell(proof, row=row, column="neither").state) == ("n/a", "proven")


def test_an_engine_that_did_not_run_is_skipped_with_the_reason() -> None:
    judged = matrix.judge({"X1": PLAIN}, [result("passed", "X1.reads")], {"renode": "not here"})["X1"]["renode"]
    assert (judged.state, judged.reason) == ("skipped", "not here")


def test_what_was_proven_and_is_not_is_lost_unless_it_is_skipped() -> None:
    states = {("X1.reads", "embedded"): "no test", ("X1.writes", "embedded"): "skipped"}
    assert matrix.lost({("X1.reads", "embedded"), ("X1.writes", "embedded")}, states) == [
        "X1.reads on embedded: no test"
    ]
    assert matrix.lost({("X1.gone", "renode")}, states) == ["X1.gone on renode: not in tests/rows.toml any more"]


def test_what_is_proven_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "proven.txt"
    assert matrix.read_proven(path) == set()
    proven = {("X1.writes", "renode"), ("X1.writes", "embedded"), ("X1.reads", "embedded")}
    matrix.write_proven(path, {"X1": PLAIN}, proven)
    assert path.read_text().splitlines()[2:] == ["X1.reads embedded", "X1.writes embedded renode"]
    assert matrix.read_proven(path) == proven


JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a" name="test_one"><properties><property name="row" value="X1.reads"/>
<property name="engine" value="embedded"/><property name="board" value="no"/></properties></testcase>
<testcase classname="tests.a" name="test_two"><skipped message="no tool"/></testcase>
<testcase classname="tests.a" name="test_three"><failure message="assert 1 == 2&#10;more"/></testcase>
</testsuite></testsuites>"""
ROBOT = """<robot><suite name="Robot"><suite name="Bulk"><test name="Should Work"><tag>row:X1.writes</tag>
<tag>row:X1.reads@renode</tag><tag>row:X1.opens@embedded</tag>
<status status="PASS"/></test></suite></suite></robot>"""


def test_a_result_file_that_is_not_whole_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(JUNIT[:100])
    (only,) = matrix.read_results(tmp_path)
    assert (only.test, only.status) == ("a.xml", "failed")


def test_results_are_read_from_both_kinds_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(JUNIT)
    (tmp_path / "robot-renode").mkdir()
    (tmp_path / "robot-renode" / "output.xml").write_text(ROBOT)
    assert matrix.read_results(tmp_path) == [
        matrix.Result("tests.a::test_one", "passed", "", ("X1.reads",), "embedded", False),
        matrix.Result("tests.a::test_two", "skipped", "no tool", (), ""),
        matrix.Result("tests.a::test_three", "failed", "assert 1 == 2", (), ""),
        matrix.Result("Robot / Bulk / Should Work", "passed", "", ("X1.writes", "X1.reads"), "renode"),
    ]
