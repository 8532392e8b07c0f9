"""The worked examples are golden: the exact reference and cypool both give every one of them."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import reference
from reference import __main__ as table
from reference.examples import EXAMPLES, SOURCES

ROOT = Path(__file__).resolve().parents[1]
every_example = pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{example.id} {example.title}" for example in EXAMPLES]
)


@every_example
def test_reference(example):
    result = example.call(reference, example.input)
    assert result == example.expected
    assert example.accepts(result)


@every_example
def test_cypool(example):
    result = example.call(table.Compiled(example), example.input)
    assert result == example.expected
    assert example.accepts(result)


def test_every_worked_example_is_there():
    assert {example.id for example in EXAMPLES} == {f"E{i}" for i in range(1, 18)}
    assert {source for example in EXAMPLES for source in example.source.split()} == set(SOURCES)
    titles = [(example.id, example.title) for example in EXAMPLES]
    assert len(set(titles)) == len(titles)


def test_the_misprint_is_kept_and_does_not_come_out():
    (misprint,) = [example for example in EXAMPLES if example.printed is not None]
    assert misprint.id == "E12"
    assert misprint.printed == [[3, 4.25], [0.18, 1.5]]
    assert misprint.expected == [[3, 4.25], [1.25, 6]]
    assert not misprint.accepts(misprint.printed)
    assert "misprint" in misprint.note


def verdicts(out):
    words = (line.split() for line in out.splitlines() if line)
    return [line[-1] for line in words if line[-1] in ("pass", "FAIL")]


def test_table():
    done = subprocess.run(
        [sys.executable, "-m", "reference"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 79
    assert done.stdout.isascii()
    assert "FAIL" not in done.stdout
    assert verdicts(done.stdout) == ["pass"] * len(EXAMPLES)
    assert lines[-1] == f"{len(EXAMPLES)} of {len(EXAMPLES)} examples pass."
    assert "the source prints 3 4.25 / 0.18 1.5" in done.stdout


def printed_table(capsys, monkeypatch, *examples):
    monkeypatch.setattr(table, "EXAMPLES", examples)
    status = table.main()
    return status, capsys.readouterr().out


def test_a_wrong_answer_fails(capsys, monkeypatch):
    good, other = EXAMPLES[:2]
    wrong = dataclasses.replace(good, expected=[[9, 2], [6, 4]])
    status, out = printed_table(capsys, monkeypatch, wrong, other)
    assert status == 1
    assert verdicts(out) == ["FAIL", "pass"]
    assert "1 of 2 examples pass." in out


def test_the_printed_misprint_fails(capsys, monkeypatch):
    example = dataclasses.replace(EXAMPLES[0], printed=EXAMPLES[0].expected)
    status, out = printed_table(capsys, monkeypatch, example)
    assert status == 1
    assert "FAIL" in out


def test_another_dtype_fails(capsys, monkeypatch):
    example = dataclasses.replace(EXAMPLES[0], result_dtype="float32")
    status, out = printed_table(capsys, monkeypatch, example)
    assert status == 1
    assert "FAIL" in out
    assert "TypeError: max_pool gave float64; float32 is right (E1)" in out


def test_a_missing_cypool_fails_and_says_so(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cypool", None)
    status, out = printed_table(capsys, monkeypatch, *EXAMPLES[:3])
    assert status == 1
    assert verdicts(out) == ["FAIL"] * 3
    assert out.count("cypool cannot be imported") == 1
    assert "0 of 3 examples pass." in out


def test_exact_results_without_cypool_are_still_shown(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cypool", None)
    _, out = printed_table(capsys, monkeypatch, EXAMPLES[0])
    assert "9 2 / 6 3    9 2 / 6 3    missing" in out
