"""The page of a sweep: complete, safe, and without need of anything else."""

import re
from html.parser import HTMLParser

import pytest

from zoo.results import page
from zoo.results.leaderboard import leaderboard
from zoo.results.page import Page
from zoo.results.strips import strips
from zoo.results.trials import Trial, Trials

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Read(HTMLParser):
    """The tags, their attributes and the text of a page; unbalanced tags are an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.rows = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1].append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def board(choices=3, seeds=4, diverged=()):
    made = []
    for place in range(choices):
        for seed in range(seeds):
            lost = (place, seed) in diverged
            made.append(
                Trial(
                    f"{place:016x}{seed:016x}",
                    (f"optimizer_{place}",),
                    f"seed {seed}",
                    "diverged" if lost else "completed",
                    "The loss was not finite in epoch 7." if lost else "All epochs were trained.",
                    float("nan") if lost else place + seed / 10,
                    place + seed / 10,
                )
            )
    return leaderboard(Trials("val_loss", ("optimizer",), made))


def test_the_answer_comes_first_and_everything_is_there(tmp_path):
    found = board(diverged={(2, 1), (2, 2)})
    picture = strips(found, tmp_path)
    text = page.html(
        Page(
            "A sweep",
            "optimizer_0 is best.",
            found,
            [picture],
            facts={"data": "xor"},
            method=["Ranked by medians."],
            notes=["3 runs were interrupted."],
            skipped=["rprop: needs full batches."],
            versions={"keras": "3.15"},
            see="`mlflow ui` shows them.",
        )
    )
    read = Read(text)
    whole = " ".join(read.text)
    order = ["A sweep", "optimizer_0 is best.", "3 runs were interrupted.", "xor", "Leaderboard", picture.caption]
    order += ["Ranked by medians.", "The loss was not finite in epoch 7.", "rprop: needs full batches."]
    order += ["`mlflow ui` shows them.", "keras"]
    places = [whole.index(words) for words in order]
    assert places == sorted(places)
    assert "2 runs" in whole


def test_the_page_loads_nothing_and_forbids_itself_to(tmp_path):
    found = board()
    text = page.html(Page("A sweep", "It is.", found, [strips(found, tmp_path)], link=lambda run: f"http://host/{run}"))
    read = Read(text)
    assert read.of("link") == []
    assert all("src" not in script for script in read.of("script"))
    assert [image["src"][:26] for image in read.of("img")] == ["data:image/svg+xml;base64,"]
    assert not re.search(r"@import|url\(", text)
    policy = next(one["content"] for one in read.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in text


def test_every_run_is_linked_by_its_id():
    read = Read(page.html(Page("A sweep", "It is.", board(), link=lambda run: f"http://host/#/runs/{run}")))
    ids = {f"{place:016x}{seed:016x}" for place in range(3) for seed in range(4)}
    assert {one["href"] for one in read.of("a")} == {f"http://host/#/runs/{run}" for run in ids}


def test_without_addresses_runs_are_named_by_their_ids_alone():
    read = Read(page.html(Page("A sweep", "It is.", board())))
    assert read.of("a") == []
    assert f"{1:016x}{2:016x}" in read.text


def test_what_comes_from_outside_is_escaped():
    evil = '<script>alert("x")</script>'
    made = [Trial(evil, (evil,), evil, "error", evil) for _ in range(1)]
    found = leaderboard(Trials("val_loss", (evil,), made, evil))
    text = page.html(
        Page(evil, evil, found, facts={evil: evil}, method=[evil], notes=[evil], skipped=[evil], versions={evil: evil},
             link=lambda run: f'http://host/"{run}', see=evil)
    )  # fmt: skip
    assert "<script>alert" not in text
    assert len(Read(text).of("script")) == 1
    assert '/"<' not in text


def test_equal_failures_are_told_once_with_their_number():
    text = " ".join(Read(page.html(Page("A sweep", "It is.", board(diverged={(0, 0), (1, 0), (1, 1)})))).text)
    assert text.count("The loss was not finite in epoch 7.") == 1
    assert "3 runs" in text


@pytest.mark.parametrize(("choices", "button"), [(20, False), (60, True)])
def test_a_long_leaderboard_is_whole_but_folded(choices, button):
    read = Read(page.html(Page("A sweep", "It is.", board(choices, 1))))
    rows = [one for one in read.of("tr") if "class" in one]
    assert len(rows) == choices
    assert sum("hidden" in one for one in rows) == max(0, choices - 20)
    assert bool(read.of("button")) == button


def test_of_many_runs_the_first_two_thousand_are_listed():
    text = page.html(Page("A sweep", "It is.", board(3, 700)))
    assert "The first 2,000 of 2,100 runs are listed." in text


def test_the_page_is_a_file_in_a_folder_that_is_made(tmp_path):
    written = page.write(Page("A sweep", "It is.", board()), tmp_path / "a" / "report.html")
    assert written.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
