"""Addresses on runs: the table, one run, tags, comparison, report, data card."""

import json
import math
import re
import shutil
import threading
from pathlib import Path

import httpx
import pytest

import loupe
from loupe.data.ledger import note_look
from loupe.runs import RunFolder, read_tags
from loupe.runs.looks import read_test_content
from loupe.training import EpochRecord, Observer, TrainingState
from loupe.using.compare_runs import compare_runs
from loupe.web.run_index import RunIndex

from .conftest import QUICK, Runs, serving


def test_every_run_is_listed_with_what_its_folder_says(client: httpx.Client, runs: Runs) -> None:
    listed = {run["id"]: run for run in client.get("/api/runs").json()["runs"]}
    assert set(listed) == {runs.good, runs.weak, runs.autoencoder, runs.series}
    result = loupe.load_run(runs.folder / runs.good).read_result()
    assert result is not None
    assert result.best is not None
    assert result.best.test is not None
    good = listed[runs.good]
    assert good["status"] == "finished"
    assert good["test"]["value"] == result.best.test.accuracy
    assert good["test_looks"] == len(result.test_openings)
    assert len(good["curve"]) == good["epoch"] == 12
    assert listed[runs.autoencoder]["objective"] == "reconstruction"
    series = listed[runs.series]
    assert series["test"]["over"] == "images and seeds"
    assert 0 <= series["test"]["low"] <= series["test"]["high"] <= 1  # an accuracy, however few the seeds
    assert [seed["id"] for seed in series["seeds"]] == [f"{runs.series}:seed-0", f"{runs.series}:seed-1"]


@pytest.mark.parametrize("which", ["good", "weak", "autoencoder", "series"])
def test_one_run_has_figures_curves_and_recipe(client: httpx.Client, runs: Runs, which: str) -> None:
    run = client.get(f"/api/runs/{getattr(runs, which)}").json()
    assert run["charts"]
    assert run["recipe"]["data"]["name"] == "digits"
    if which != "series":
        assert run["layers"][0]["parameters"] >= 0
        assert len(run["history"]) == run["summary"]["epoch"]


def test_a_seed_of_a_series_is_a_run(client: httpx.Client, runs: Runs) -> None:
    run = client.get(f"/api/runs/{runs.series}:seed-1").json()
    assert run["summary"]["seed"] == 1
    assert client.get(f"/api/runs/{runs.series}/inside").json()["error"].endswith("as many networks.")


@pytest.mark.thorough
def test_a_run_is_watched_while_it_trains(tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []

    class Asking(Observer):
        def on_epoch_end(self, state: TrainingState) -> None:
            if state.epoch == 2:
                (run,) = client.get("/api/runs").json()["runs"]
                details = client.get(f"/api/runs/{run['id']}").json()
                seen.append({**run, "charts": len(details["charts"]), "inside": client.get(
                    f"/api/runs/{run['id']}/inside").status_code, "said": details["warnings"]})  # fmt: skip

    folder = tmp_path / "runs"
    with serving(folder) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/api/runs").json()["runs"] == []
        run = loupe.train(
            *("digits", *QUICK, f"run.folder={folder}", "train.epochs=3", "model.width=1"),
            *("data.augment=['horizontal-flip']",),
            observers=[Asking()],
        )
        (after,) = client.get("/api/runs").json()["runs"]
        told = client.get(f"/api/runs/{after['id']}").json()["warnings"]
    (during,) = seen
    assert during["status"] == "running"
    assert during["num_epochs"] == 3
    assert isinstance(during["share"], float)
    assert during["charts"]
    assert during["inside"] == 200  # the best weights so far
    assert after["status"] == "finished"
    assert after["share"] is None
    assert not [*folder.glob("*/progress.json"), *folder.glob("*/warnings.json")]
    assert during["said"]
    assert told == list(run.read_result().warnings)
    assert told[: len(during["said"])] == during["said"]


def test_tags_are_kept_beside_the_runs_and_none_is_lost(tmp_path: Path, runs: Runs) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in (runs.good, runs.weak):
        shutil.copytree(runs.folder / name, folder / name)
    with serving(folder) as address:

        def tag(name: str, word: str) -> None:
            for number in range(8):
                tags = [word, f"try {number}"]
                answer = httpx.put(f"{address}/api/runs/{name}/tags", json={"tags": tags}, timeout=30)
                assert answer.json() == {"tags": tags}

        threads = [threading.Thread(target=tag, args=one) for one in ((runs.good, "a"), (runs.weak, "b"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_tags(folder) == {runs.good: ["a", "try 7"], runs.weak: ["b", "try 7"]}
        refused = httpx.put(f"{address}/api/runs/{runs.good}/tags", json={"tags": ["<script>"]})
        assert refused.status_code == 400
        assert refused.json()["got"] == "<script>"
        (folder / "tags.json").write_text("{")
        assert len(httpx.get(f"{address}/api/runs").json()["runs"]) == 2


def test_changes_of_tags_at_the_same_time_are_all_kept(tmp_path: Path, runs: Runs) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(runs.folder / runs.good, folder / runs.good)
    words = [f"try {number}" for number in range(8)]
    with serving(folder) as address:
        path = f"{address}/api/runs/{runs.good}/tags"

        def add(word: str) -> None:
            assert word in httpx.patch(path, json={"add": [word]}, timeout=30).json()["tags"]

        threads = [threading.Thread(target=add, args=(word,)) for word in words]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(read_tags(folder)[runs.good]) == words
        assert httpx.patch(path, json={"remove": words[1:]}).json() == {"tags": words[:1]}
        refused = httpx.patch(path, json={"add": ["<script>"]})
        assert refused.status_code == 400
        assert refused.json()["got"] == "<script>"


def test_runs_are_compared_and_unlike_ones_refused(client: httpx.Client, runs: Runs) -> None:
    query = [("run", runs.good), ("run", runs.weak), ("run", runs.series)]
    found = client.get("/api/compare", params=query).json()
    assert [run["id"] for run in found["runs"]] == [one for _, one in query]
    assert "band" in found["charts"][0]
    assert "train.epochs" in {field for field, _ in found["differences"]}
    assert "series of seeds" in found["reason"]
    pair = client.get("/api/compare", params=query[:2]).json()
    assert len(pair["verdicts"]) == 1
    unlike = client.get("/api/compare", params=[("run", runs.good), ("run", runs.autoencoder)])
    assert unlike.status_code == 400
    assert client.get("/api/compare", params=[("run", runs.good)]).status_code == 400


@pytest.mark.thorough
def test_runs_side_by_side_say_what_their_report_says(
    client: httpx.Client, runs: Runs, tmp_path: Path
) -> None:
    page = compare_runs([runs.folder / one for one in (runs.good, runs.series)], tmp_path / "page.html")
    query = [("run", runs.good), ("run", runs.series)]
    part = client.get("/api/compare/section", params=query).json()["html"]
    assert 'id="cost"' in part
    assert part.count("<img") == 3  # parameters, multiply-adds, seconds
    assert " style=" not in part  # the page's policy forbids it
    text = _read_words(page.read_text(encoding="utf-8"))
    assert _read_words(part) in text
    for sentence in (f"By parameters, {runs.series} (", "No paired test. "):
        assert sentence in _read_words(part)
    alone = client.get("/api/compare/section", params=[("run", runs.good)])
    assert alone.status_code == 400


def test_two_series_side_by_side_are_told_apart_by_their_seeds(
    client: httpx.Client, runs: Runs, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    for name in ("one", "two"):
        shutil.copytree(runs.folder / runs.series, folder / name)
    with serving(folder) as address:
        query = [("run", "one"), ("run", "two")]
        part = httpx.get(f"{address}/api/compare/section", params=query, timeout=60).json()["html"]
    assert "Validation: one against two, over their seeds" in _read_words(part)


def _read_words(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def test_the_report_is_shut_in(client: httpx.Client, runs: Runs) -> None:
    answer = client.get(f"/api/runs/{runs.good}/report")
    assert answer.text == (runs.folder / runs.good / "report.html").read_text(encoding="utf-8")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("which", "names"),
    [("good", ("weights", "findings")), ("remade", ("weights", "findings")), ("seeds", ("seeds",))],
)
def test_sections_are_the_report_s_own(
    client: httpx.Client, runs: Runs, which: str, names: tuple[str, ...]
) -> None:
    run = {"good": runs.good, "remade": runs.autoencoder, "seeds": runs.series}[which]
    report = (runs.folder / run / "report.html").read_text(encoding="utf-8")
    for name in names:
        answer = client.get(f"/api/runs/{run}/sections/{name}")
        assert answer.status_code == 200, answer.text
        section = answer.json()
        assert not re.search(r'\sstyle="', section["html"])  # the page's policy would drop it
        shown = section["html"].replace("data-style=", "style=")
        shown = re.sub(r'#/run/[^"]+:(seed-\d+)', r"\1/report.html", shown)
        assert read_lines(shown) in read_lines(report)
        assert section["style"] in report


def read_lines(html: str) -> str:
    """Return a page on one line, without the looks of other runs: further ones came since the report."""
    return re.sub(r"((?:this|these \d+) test sets?) on this machine: [^<]*", r"\1", " ".join(html.split()))


@pytest.mark.thorough
def test_sections_that_cannot_be_had_are_refused_in_words(client: httpx.Client, runs: Runs) -> None:
    for run, name in ((runs.series, "findings"), (runs.good, "seeds")):
        said = client.get(f"/api/runs/{run}/sections/{name}").json()
        assert said["error"].endswith("yet.")
    assert client.get(f"/api/runs/{runs.good}/sections/magic").status_code == 422
    figures = client.get(f"/api/runs/{runs.weak}/sections/figures").json()["html"]
    assert figures.count("<figure") >= 3


def test_the_data_card_counts_images_and_opens_no_test(client: httpx.Client, runs: Runs) -> None:
    openings = RunFolder(runs.folder / runs.good).read_openings()
    card = client.get(f"/api/runs/{runs.good}/data").json()
    assert [sum(card["counts"][split]) for split in ("training", "validation", "test")] == [1237, 200, 360]
    assert len(card["one_per_class"]["images"]) == card["one_per_class"]["total"] == 10
    assert card["balance_classes"] == list(range(10))
    assert len(card["preview"]) == 4
    assert (card["pixel_range"], card["used_values"]) == ([0, 255], [17])  # 0 to 16, spread over a byte
    assert RunFolder(runs.folder / runs.good).read_openings() == openings


def test_a_loss_that_left_the_numbers_and_a_damaged_run_are_shown(tmp_path: Path, runs: Runs) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in (runs.good, runs.weak):
        shutil.copytree(runs.folder / name, folder / name)
    run = RunFolder(folder / runs.weak)
    run.result_file.unlink()
    run.digests_file.unlink()
    lost = EpochRecord(1, 0.1, math.nan, 0.1, None, None, math.nan, 0.1, 1.0, 10.0)
    run.write_history([lost])
    (folder / runs.good / "recipe.toml").write_text("not = [toml")
    with serving(folder) as address:
        listed = {one["id"]: one for one in httpx.get(f"{address}/api/runs").json()["runs"]}
        assert listed[runs.weak]["status"] == "unfinished"
        assert listed[runs.good]["status"] == "damaged"
        details = httpx.get(f"{address}/api/runs/{runs.weak}", timeout=30)
        assert details.status_code == 200, details.text
        assert details.json()["history"][0]["train_loss"] is None


def test_the_description_of_the_interface_names_every_address(client: httpx.Client) -> None:
    said = client.get("/openapi.json").json()
    wanted = {"/api/runs", "/api/runs/{run}", "/api/runs/{run}/predict", "/api/runs/{run}/inspect"}
    wanted |= {"/api/studies", "/api/studies/{study}", "/api/searches", "/api/searches/{search}"}
    assert wanted <= set(said["paths"])
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], f"{method} {path} says nothing of itself"
    assert client.get("/docs").status_code == 404  # FastAPI's own page loads scripts from elsewhere
    json.dumps(said)


def test_a_table_that_did_not_change_is_not_sent_again(client: httpx.Client, runs: Runs) -> None:
    first = client.get("/api/runs")
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get("/api/runs", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    client.put(f"/api/runs/{runs.weak}/tags", json={"tags": ["news"]})
    changed = client.get("/api/runs", headers=known)
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    client.put(f"/api/runs/{runs.weak}/tags", json={"tags": []})


def test_looks_of_others_are_told_without_reading_the_runs_anew(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOUPE_LEDGER", str(tmp_path / "ledger.jsonl"))
    index = RunIndex(runs.folder)
    folder = index.find(runs.good)
    content = read_test_content(folder)
    assert content is not None
    note_look(content, reason="a look", at="2026-01-01T00:00:00+00:00", recipe="one", run=str(folder.path))
    before = index.summarise(folder)
    monkeypatch.setattr(RunFolder, "read_result", lambda one: pytest.fail("read anew"))
    note_look(content, reason="another", at="2026-01-01T00:00:01+00:00", recipe="two", run="elsewhere")
    after = index.summarise(folder)
    assert before.looks.endswith("1 look in 1 recipe")
    assert after.looks.endswith("2 looks in 2 recipes")
