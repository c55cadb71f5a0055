from pathlib import Path

import pytest

from loupe.classroom.reading import read_exercise_file
from loupe.errors import LoupeError
from loupe.recipe import read_recipe_file
from loupe.recipe.files import TomlFiles
from loupe.recipe.kinds import KINDS, find_other_kind
from loupe.reproductions.files import list_reproductions
from loupe.searches import list_searches, read_search_file
from loupe.searches.loading import load_search
from loupe.studies import list_studies, read_study_file
from loupe.studies.loading import load_study

READERS = {
    "recipe": read_recipe_file,
    "study": read_study_file,
    "search": read_search_file,
    "exercise": read_exercise_file,
}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff"])
def test_a_file_without_a_field_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    for kind, read in READERS.items():
        with pytest.raises(LoupeError, match=rf"The {kind} file .*mine\.toml holds no field") as caught:
            read(tmp_path / "mine.toml")
        assert caught.value.allowed == f"{KINDS[kind].name}: at least {KINDS[kind].smallest}"


def test_what_an_empty_recipe_is_told(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text("[train]\n[train.optimizer]\n")
    with pytest.raises(LoupeError) as caught:
        read_recipe_file(place)
    assert str(caught.value) == (
        f"The recipe file {place} holds no field.\n  got: headings without fields\n"
        '  allowed: a recipe: at least what is trained on, as in data = "digits"\n'
        "  next: write that, or begin with another: `loupe recipes` lists those that come with Loupe"
    )


def test_a_recipe_that_says_nothing_of_a_training_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text('about = "mine"\n[run]\nseed = 3\n')
    with pytest.raises(LoupeError, match="says nothing of what is trained") as caught:
        read_recipe_file(place)
    assert caught.value.got == "about and run alone"


def test_the_smallest_search_and_study_can_be_read(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    for kind, load in (("search", load_search), ("study", load_study)):
        place.write_text(
            KINDS[kind]
            .smallest.replace(", trials", "\ntrials")
            .replace(" and what is compared, such as ", "\n")
            .replace(" and ", "\n")
        )
        assert load(place) is not None


@pytest.mark.parametrize(
    ("asked", "text", "is_one"),
    [
        ("recipe", 'recipe = "digits"\n[arms.a]', "study"),
        ("recipe", 'recipe = "digits"\nseeds = [1]', "study"),
        ("recipe", 'recipe = "digits"\n[space.x]', "search"),
        ("recipe", 'task = "x"\ndata = "digits"', "exercise"),
        ("recipe", "studies = []", "reproduction"),
        ("study", 'recipe = "digits"\n[space.x]', "search"),
        ("study", 'data = "digits"', "recipe"),
        ("search", 'recipe = "digits"\n[arms.a]', "study"),
        ("search", 'model = "cnn"', "recipe"),
        ("exercise", 'recipe = "digits"\n[arms.a]', "study"),
        ("exercise", "[model]\nwidth = 1", "recipe"),
    ],
)
def test_a_file_of_another_kind_is_told_its_verb(asked: str, text: str, is_one: str, tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"
    place.write_text(text)
    with pytest.raises(LoupeError) as caught:
        READERS[asked](place)
    assert caught.value.message == f"{place} is {KINDS[is_one].name}, not {KINDS[asked].name}."
    assert caught.value.next_step == f"{KINDS[is_one].verb} {place}"


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ("recipe", {"train": {}, "arms": {}}),
        ("recipe", {"tran": {}}),
        ("study", {"recipe": "x", "train": {}}),
        ("study", {"recipe": "x", "arm": {}}),
        ("search", {"recipe": "x", "spaces": {}}),
        ("search", {"trials": 3}),
    ],
)
def test_a_file_with_fields_of_its_kind_is_told_its_mistakes(asked: str, fields: dict[str, object]) -> None:
    assert find_other_kind(asked, fields) is None


def test_no_file_that_comes_with_loupe_is_taken_for_another_kind() -> None:
    for kind, names in (("study", list_studies()), ("search", list_searches())):
        assert {find_other_kind(kind, READERS[kind](name)) for name in names} == {None}


@pytest.mark.parametrize(
    ("asked", "name", "next_step"),
    [
        ("study", "digits", "digits is a recipe: loupe train digits"),
        ("search", "digits", "digits is a recipe: loupe train digits"),
        ("exercise", "digits", "digits is a recipe: loupe train digits"),
        ("recipe", next(iter(list_studies())), "{name} is a study: loupe study {name}"),
        ("study", next(iter(list_searches())), "{name} is a search: loupe search {name}"),
        ("recipe", next(iter(list_reproductions())), "{name} is a reproduction: loupe reproduce {name}"),
    ],
)
def test_a_name_of_another_kind_is_told_its_verb(asked: str, name: str, next_step: str) -> None:
    with pytest.raises(LoupeError) as caught:
        READERS[asked](name)
    assert caught.value.next_step == next_step.format(name=name)


def test_a_folder_that_lacks_the_file_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(LoupeError) as caught:
        read_recipe_file(tmp_path)
    assert str(caught.value) == (
        f"The folder {tmp_path} holds no recipe.toml.\n  got: an empty folder\n"
        "  allowed: a TOML file, or the folder of a run, with a recipe.toml in it\n"
        "  next: name another; `loupe recipes` lists those that come with Loupe; your own images are "
        "data.name=folder data.path=FOLDER behind `loupe train digits`"
    )
    (tmp_path / "study.toml").write_text('recipe = "digits"\n')
    with pytest.raises(LoupeError, match=f"next: loupe study {tmp_path}"):
        read_recipe_file(tmp_path)
    assert read_study_file(tmp_path) == {"name": "study", "recipe": "digits"}
    with pytest.raises(LoupeError, match=r"The folder .* holds no search\.toml"):
        TomlFiles("search", "loupe.searches.packaged", "loupe searches").read(tmp_path)
