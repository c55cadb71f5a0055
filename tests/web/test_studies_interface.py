"""Addresses on studies and searches: lists, one of each, what is refused, what is said while one goes on."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from loupe.searches.look_back import look_back_at_search
from loupe.searches.wording import answer_search
from loupe.web.folder_index import find_place

from .conftest import Runs, Works, serving
from .test_guards import refused

pytestmark = pytest.mark.thorough


@pytest.fixture
def asking(works: Works) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{works.address}/api", timeout=120) as one:
        yield one


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_studies_and_searches_are_listed(asking: httpx.Client) -> None:
    studies = {one["id"]: one for one in asking.get("/studies").json()["studies"]}
    assert set(studies) == {"over-size", "arms"}
    assert studies["over-size"]["question"] == "Does a wider network need more images?"
    assert (studies["over-size"]["num_runs"], studies["over-size"]["num_done"]) == (16, 16)
    assert (studies["arms"]["num_runs"], studies["arms"]["num_failed"]) == (6, 2)
    assert {one["state"] for one in studies.values()} == {"finished"}
    (search,) = asking.get("/searches").json()["searches"]
    assert (search["id"], search["num_trials"], search["most"]) == ("rates", 4, 4)
    assert search["has_winner"]


def test_a_study_says_what_its_tables_say(asking: httpx.Client, works: Works) -> None:
    study = asking.get("/studies/over-size").json()
    table = read_csv(works.study.table_file)
    assert len(table) == len(study["arms"])
    for one, row in zip(study["arms"], table, strict=True):
        assert one["arm"].startswith(row["arm"])
        assert one["mean"] == f"{float(row['mean']):.2f} %"
        assert one["is_open"] == (row["conclusion"] == "cannot tell")
        assert one["conclusion"].startswith(row["conclusion"].replace("not looked at", ""))
    assert study["answer"] in works.study.report_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["study", "grid", "search"])
def test_the_page_shows_what_the_report_says(asking: httpx.Client, works: Works, kind: str) -> None:
    folder = getattr(works, kind)
    place = "searches" if kind == "search" else "studies"
    section = asking.get(f"/{place}/{folder.path.name}/section").json()["html"]
    assert " style=" not in section, "the page's policy forbids it"
    report = folder.report_file.read_text(encoding="utf-8")
    said = read_words(section)
    of_report = read_words(report[report.index("<header") : report.index("<footer")])
    contents = read_words(re.search("<nav.*?</nav>", report, re.DOTALL)[0])
    missing = [words for words in of_report if words not in said and words not in contents]
    assert missing == []
    assert [words for words in said if words not in of_report] == []
    for run in re.findall(r'href="(#/run/[^"]*)"', section):
        name = unquote(run.removeprefix("#/run/"))
        assert asking.get(f"/runs/{name}").json()["summary"]["id"] == name
    assert 'href="#/run/' in section
    if kind != "grid":  # networks of two widths
        assert "By multiply-adds of an image, " in section
    assert not re.search(r'href="(?!#)', section), "files of the folder are not served"


def test_finished_audits_are_listed_and_their_pages_shut_in(tmp_path: Path) -> None:
    audits = tmp_path / "audits"
    for name in ("crops", "torn", "going"):
        (audits / name).mkdir(parents=True)
    found = {"wrong_labels": 3, "duplicates": 2}
    kept = {
        "summary": "Of 12 images 3 may be wrong.",
        "images": {"training": 9, "validation": 3},
        "found": found,
    }
    (audits / "crops" / "audit.json").write_text(json.dumps(kept))
    (audits / "crops" / "audit.html").write_text("<h1>crops</h1>")
    (audits / "crops" / "effect").mkdir()
    (audits / "crops" / "effect" / "report.html").write_text("<h1>effect</h1>")
    (audits / "torn" / "audit.json").write_text("{")
    with serving(tmp_path / "runs") as address, httpx.Client(base_url=f"{address}/api", timeout=60) as client:
        listed = {one["id"]: one for one in client.get("/audits").json()["audits"]}
        assert set(listed) == {"crops", "torn"}, "an audit that goes on has no findings yet"
        crops = listed["crops"]
        assert (crops["about"], crops["num_images"], crops["num_suspects"]) == (kept["summary"], 12, 5)
        assert (crops["state"], crops["has_page"], crops["has_effect"]) == ("finished", True, True)
        assert listed["torn"]["state"] == "damaged"
        for path, text in (("report", "crops"), ("effect/report", "effect")):
            answer = client.get(f"/audits/crops/{path}")
            assert answer.text == f"<h1>{text}</h1>"
            assert "sandbox" in answer.headers["content-security-policy"]
        for path in ("torn/report", "torn/effect/report", "going/report", "%2e%2e/report", "crop/report"):
            said = refused(client.get(f"/audits/{path}"))
            assert said["error"].startswith(("There is no", "This address"))


def test_links_lead_out_of_no_audit(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "effect"
    secret.mkdir(parents=True)
    (secret / "report.html").write_text("secret")
    (tmp_path / "audits" / "crops").mkdir(parents=True)
    (tmp_path / "audits" / "crops" / "audit.json").write_text("{}")
    (tmp_path / "audits" / "crops" / "audit.html").symlink_to(secret / "report.html")
    (tmp_path / "audits" / "crops" / "effect").symlink_to(secret)
    with serving(tmp_path / "runs") as address, httpx.Client(base_url=f"{address}/api", timeout=60) as client:
        assert "secret" not in client.get("/audits/crops/report").text
        assert "secret" not in client.get("/audits/crops/effect/report").text


def read_words(html: str) -> list[str]:
    """Return the texts of a page, without what is said only where the files of the folder are at hand."""
    for words in ("The same as a picture.", "this folder", "the search's folder"):
        html = re.sub(rf" ?(<a [^>]*>)?{words[:-1]}(</a>)?{words[-1]}", "", html.replace("&#39;", "'"))
    html = re.sub(r"on this machine: [^<]*", "", html)  # further looks came since the report was written
    html = re.sub(r"</?a\b[^>]*>", "", html)  # the words are the same where there is nothing to lead to
    texts = re.split(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>", html, flags=re.DOTALL)
    # a search's file is written before it has ended: its time differs
    texts = [re.sub(r"[\d.]+ (s|min)\b", "# s", " ".join(text.split())) for text in texts]
    return [text for text in texts if text]


def test_arms_side_by_side_have_a_picture_and_failed_runs_a_reason(asking: httpx.Client) -> None:
    study = asking.get("/studies/arms").json()
    section = asking.get("/studies/arms/section").json()["html"]
    has_costs = "Against what it costs" in section  # one network for all arms: only times may differ
    assert section.count("data:image/png;base64,") == 1 + has_costs
    failed = [run for run in study["runs"] if run["status"] != "finished"]
    assert [run["name"] for run in failed] == ["hot", "hot"]
    assert all(run["reason"] for run in failed)


def test_runs_of_studies_and_searches_are_runs(asking: httpx.Client) -> None:
    study = asking.get("/studies/over-size").json()
    first = study["runs"][0]
    run = asking.get(f"/runs/{first['run']}").json()
    assert run["summary"]["id"] == first["run"]
    assert run["summary"]["seed"] == first["seed"]
    inside = asking.post(f"/runs/{first['run']}/inspect", json={"image": "validation-0"})
    assert inside.status_code == 200
    listed = {one["id"] for one in asking.get("/runs").json()["runs"]}
    assert first["run"] not in listed  # hundreds of runs of studies would bury the others
    trial = asking.get("/searches/rates").json()["trials"][0]
    assert asking.get(f"/runs/{trial['run']}").json()["summary"]["status"] == "finished"


def test_a_search_says_what_its_folder_says(asking: httpx.Client, works: Works) -> None:
    search = asking.get("/searches/rates").json()
    outcome = look_back_at_search(works.search)
    assert search["answer"] == answer_search(outcome)
    assert search["answer"].partition(" in ")[0] in works.search.report_file.read_text(encoding="utf-8")
    assert [one["number"] for one in search["candidates"]] == [one.trial.number for one in outcome.candidates]
    assert len(search["trials"]) == 4
    best = max(one["score"] for one in search["trials"])
    assert search["summary"]["best"] == f"{100 * best:.2f} %"
    assert sum(one["is_winner"] for one in search["trials"]) == 1
    assert search["winner_toml"] == works.search.winner_file.read_text(encoding="utf-8")
    section = asking.get("/searches/rates/section").json()["html"]
    assert "best so far" in section
    assert "15 at least" in section


def test_rows_of_a_search_read_back_as_they_were_written(works: Works, tmp_path: Path) -> None:
    outcome = look_back_at_search(works.search)
    copy = type(works.search)(tmp_path)
    copy.write_trials(outcome.trials, list(outcome.search.space))
    copy.write_fresh([run for one in outcome.candidates for run in one.runs])
    for file, other in (
        (copy.trials_file, works.search.trials_file),
        (copy.fresh_file, works.search.fresh_file),
    ):
        assert file.read_text() == other.read_text()


def test_reports_are_shut_in(asking: httpx.Client, works: Works) -> None:
    for path, folder in (("/studies/over-size", works.study.path), ("/searches/rates", works.search.path)):
        answer = asking.get(f"{path}/report")
        assert answer.text == (folder / "report.html").read_text(encoding="utf-8")
        assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["%2e%2e", "..%2frates", "%2fetc", "a%00b", "x" * 5000, "runs", "over-siz"])
def test_names_do_not_leave_their_folder(asking: httpx.Client, name: str) -> None:
    for place in ("studies", "searches"):
        for rest in ("", "/section", "/report"):
            said = refused(asking.get(f"/{place}/{name}{rest}"))
            assert said["error"].startswith(("There is no", "This address"))


@pytest.mark.parametrize(
    "name",
    ["@study:..", "@study", "@study:", "@other:x", "@search:rates", "@search:rates:..:0000",
     "@study:a:b:c:d", "@search:rates:trials:%2e%2e"],
)  # fmt: skip
def test_runs_elsewhere_do_not_leave_their_folder(asking: httpx.Client, name: str) -> None:
    assert refused(asking.get(f"/runs/{name}"))["error"].startswith(("There is no", "This address"))


def test_studies_are_beside_the_runs_or_else_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_place(Path("runs"), "studies") == Path("studies")
    (tmp_path / "runs" / "studies").mkdir()
    assert find_place(Path("runs"), "studies") == Path("runs/studies")
    (tmp_path / "studies").mkdir()
    assert find_place(Path("runs"), "studies") == Path("studies")
    assert find_place(Path("runs"), "studies", Path("elsewhere")) == Path("elsewhere")
    monkeypatch.chdir(tmp_path / "runs")
    assert find_place(Path(), "studies") == tmp_path / "studies"


def test_what_goes_on_or_is_damaged_is_said(works: Works, runs: Runs, tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    shutil.copytree(works.study.path, studies / "going")
    shutil.copytree(works.grid.path, studies / "broken")
    shutil.copytree(
        works.search.path, tmp_path / "searches" / "torn", ignore=shutil.ignore_patterns("trials")
    )
    rows = (studies / "going" / "results.csv").read_text().splitlines(keepends=True)
    (studies / "going" / "results.csv").write_text("".join(rows[:4]))
    (studies / "broken" / "results.csv").write_text("arm\nx\n")
    (tmp_path / "searches" / "torn" / "trials.csv").write_text("number\nmany\n")
    folder = type(works.study)(studies / "going")
    with serving(tmp_path / "runs") as address, httpx.Client(base_url=f"{address}/api", timeout=60) as client:
        with folder.locked():
            listed = {one["id"]: one for one in client.get("/studies").json()["studies"]}
            assert listed["going"]["state"] == "running"
            assert (listed["going"]["num_done"], listed["going"]["num_runs"]) == (3, 16)
            assert listed["broken"]["state"] == "damaged"
            going = client.get("/studies/going").json()
            assert going["summary"]["state"] == "running"
            assert all(run["run"] is None for run in going["runs"])  # their folders are elsewhere
        assert client.get("/studies/going").json()["summary"]["state"] == "unfinished"
        assert "missing or damaged" in refused(client.get("/studies/broken"))["error"]
        assert client.get("/searches").json()["searches"][0]["state"] == "damaged"
        assert "missing or damaged" in refused(client.get("/studies/broken/section"))["error"]
        assert "3 runs" in client.get("/studies/going/section").json()["html"]
        refused(client.get("/searches/torn"))
        refused(client.get("/searches/torn/section"))
