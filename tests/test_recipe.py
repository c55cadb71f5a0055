import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loupe.errors import LoupeError, RecipeError
from loupe.recipe import (
    Recipe,
    describe_fields,
    find_form_mistakes,
    parse_override,
    parse_recipe,
    read_toml,
    set_value,
)


def test_a_recipe_reads_back_from_its_own_toml() -> None:
    recipe = parse_recipe(
        {
            "data": {"name": "folder", "path": "crops", "classes": ["a", 2], "augment": ["horizontal-flip"]},
            "train": {"early_stopping": {"window": 3}, "optimizer": {"name": "sgd", "momentum": 0.0}},
            "run": {"seeds": [1, 2]},
        }
    )
    assert parse_recipe(read_toml(recipe.to_toml(), "itself")) == recipe


@given(
    epochs=st.integers(1, 10**6),
    smoothing=st.floats(0, 0.99),
    validation=st.one_of(st.integers(1, 10**6), st.floats(0.001, 0.999)),
    seeds=st.one_of(st.none(), st.lists(st.integers(0, 2**31), min_size=1, max_size=4, unique=True)),
    normalize=st.one_of(st.just("measured"), st.just({"mean": [0.5], "std": [0.25]})),
)
def test_any_recipe_survives_the_round_trip(
    epochs: int, smoothing: float, validation: int | float, seeds: list[int] | None, normalize: object
) -> None:
    mapping = {
        "data": {"validation": validation, "normalize": normalize},
        "train": {"epochs": epochs, "label_smoothing": smoothing},
        "run": {} if seeds is None else {"seeds": seeds},
    }
    recipe = parse_recipe(mapping)
    again = parse_recipe(read_toml(recipe.to_toml(), "itself"))
    assert again == recipe
    assert type(again.data.validation) is type(recipe.data.validation)


def test_a_recipe_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        Recipe().train.epochs = 3


def test_all_mistakes_are_shown_at_once_word_for_word() -> None:
    mapping = {
        "name": "my-recipe",
        "data": {"validation": 1.5, "fraction": 0},
        "train": {"epochs": -1, "batch_size": "x", "epoch": 3, "early_stopping": {"windw": 3}},
        "evaluate": {"tta": "miror"},
        "run": {"seed": True},
        "modle": {},
    }
    with pytest.raises(RecipeError) as caught:
        parse_recipe(mapping)
    assert str(caught.value) == (
        "Recipe 'my-recipe' has 9 mistakes; no data was loaded.\n"
        "  - data.fraction: got 0; allowed: a number > 0\n"
        "  - data.validation: got 1.5; allowed: a number of images (1, 2, …) or a fraction between 0 and 1\n"
        "  - train.epochs: got -1; allowed: a whole number ≥ 1\n"
        "  - train.batch_size: got 'x'; allowed: a whole number\n"
        "  - train.early_stopping.windw: got an unknown field; allowed: min_improvement, window; "
        "did you mean 'window'?\n"
        "  - train.epoch: got an unknown field; allowed: accumulate, average_decay, batch_size, "
        "channels_last, class_weights, clean_train_images, clip_norm, compile, decay, early_stopping, "
        "epochs, freeze_later, hard_examples, label_smoothing, layer_decay, lookahead, loss, "
        "optimizer, precision, progressive_resizing, sampling, schedule, "
        "warmup_epochs; did you mean 'epochs'?\n"
        "  - evaluate.tta: got 'miror'; allowed: 'none', 'mirror' or 'mirror-shift'; did you mean 'mirror'?\n"
        "  - run.seed: got true; allowed: a whole number\n"
        "  - modle: got an unknown field; allowed: about, data, evaluate, model, name, run, train, transfer; "
        "did you mean 'model'?\n"
        "  next: mend the lines above; `loupe train --help` describes every field"
    )


@pytest.mark.parametrize("section", ["data", "model", "train", "evaluate", "run"])
@pytest.mark.parametrize("value", [3, "text", [1], True])
def test_a_section_that_is_no_table_is_a_mistake(section: str, value: object) -> None:
    is_a_name = isinstance(value, str) and section in ("data", "model")
    assert bool(find_form_mistakes({section: value})) is not is_a_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train.epochs=3", ("train.epochs", 3)),
        ("train.clip_norm = 1.5", ("train.clip_norm", 1.5)),
        ("data.classes=[1, 'Bag']", ("data.classes", [1, "Bag"])),
        ("train.optimizer=sgd", ("train.optimizer", "sgd")),
        ("data.path=/tmp/a b=c", ("data.path", "/tmp/a b=c")),
        ("train.early_stopping=none", ("train.early_stopping", None)),
        ("evaluate.test=false", ("evaluate.test", False)),
    ],
)
def test_overrides_are_read_as_toml_and_else_as_text(text: str, expected: tuple[str, object]) -> None:
    assert parse_override(text) == expected


def test_the_end_of_a_line_is_no_part_of_an_override_and_a_line_more_sets_nothing() -> None:
    assert parse_override("data.path=crops\n") == ("data.path", "crops")
    assert parse_override("data.classes=[\n1,\n2]\n") == ("data.classes", [1, 2])
    assert parse_override("train.epochs=1\nseed = 2") == ("train.epochs", "1\nseed = 2")
    assert parse_override("data.path='crops '") == ("data.path", "crops ")


@pytest.mark.parametrize(
    "field", ["data.sides_of", "data.corrections", "transfer.run", "transfer.weights", "run.folder"]
)
def test_a_place_that_is_empty_is_refused(field: str) -> None:
    section, name = field.split(".")
    with pytest.raises(LoupeError, match="at least 1 character"):
        parse_recipe({"name": "x", section: {name: ""}})


@pytest.mark.parametrize("text", ["train.epochs", "=3", "", "a\nb=3"])
def test_an_override_without_field_or_value_is_refused(text: str) -> None:
    with pytest.raises(LoupeError, match="does not change any field"):
        parse_override(text)


def test_set_value_replaces_a_bare_choice_whole_and_keeps_other_fields() -> None:
    mapping: dict[str, object] = {"train": {"epochs": 2, "optimizer": {"name": "sgd", "momentum": 0.9}}}
    set_value(mapping, "train.optimizer", "adam")
    assert mapping == {"train": {"epochs": 2, "optimizer": "adam"}}
    set_value(mapping, "train.optimizer.learning_rate", 0.1)
    assert mapping == {"train": {"epochs": 2, "optimizer": {"name": "adam", "learning_rate": 0.1}}}


def test_none_takes_a_field_out() -> None:
    mapping: dict[str, object] = {"train": {"early_stopping": {"window": 3}}}
    set_value(mapping, "train.early_stopping", None)
    assert mapping == {"train": {}}


def test_broken_toml_names_the_place() -> None:
    with pytest.raises(LoupeError, match=r"mine\.toml is not valid TOML\.\n  got: .*line 1, column 3"):
        read_toml("a b", "mine.toml")


QUOTE = "if that is a text, put it in quotation marks: "
PATH = "write a path in 'single quotes', such as 'C:\\images', or with / in place of \\"


@pytest.mark.parametrize(
    ("text", "got", "next_step"),
    [
        ("[data]\nname = digits", "name = digits (line 2, column 8: invalid value)", f'{QUOTE}"digits"'),
        ("a = [cnn, mlp]", "a = [cnn, mlp] (line 1, column 6: invalid value)", f'{QUOTE}"cnn"'),
        ("a = my crops # b", "a = my crops # b (line 1, column 5: invalid value)", f'{QUOTE}"my crops"'),
        ("epochs = True", "epochs = True (line 1, column 10: invalid value)", "write true in small letters"),
        ("a = None", "a = None (line 1, column 5: invalid value)", "leave the field out: TOML has no None"),
        ("a = .5", "a = .5 (line 1, column 5: invalid value)", "write a 0 before the point: 0.5"),
        ("a =", "a = (line 1, the end of the text: invalid value)", "write a value after ="),
        ('a = "C:\\Users"', 'a = "C:\\Users" (line 1, column 10: invalid hex value)', PATH),
        ('a = "C:\\data"', "a = \"C:\\data\" (line 1, column 10: unescaped '\\' in a string)", PATH),
        ("a = C:\\data", "a = C:\\data (line 1, column 5: invalid value)", f"{QUOTE}'C:\\data'"),
        (
            "a = 5,",
            "a = 5, (line 1, column 6: expected newline or end of document after a statement)",
            "take away the , at its end",
        ),
        ("a = [1, 2\n\n", "a = [1, 2 (line 1, the end of the text: unclosed array)", "close the list with ]"),
        (
            "a = [1\nb = 2",
            "b = 2 (line 2, column 1: unclosed array)",
            "close the list with ] before this line",
        ),
        (
            "a = [1 2]",
            "a = [1 2] (line 1, column 8: unclosed array)",
            "put a comma before 2, or close the list with ]",
        ),
        (
            "[a]\n[a]",
            "[a] (line 2, column 3: cannot declare a twice)",
            "put the fields of both under one heading",
        ),
        (
            "a: 1",
            "a: 1 (line 1, column 2: expected '=' after a key in a key/value pair)",
            "write = in place of the colon, as in `epochs = 20`; a section is a heading, [data]",
        ),
        (
            "é = 1",
            "é = 1 (line 1, column 1: invalid statement)",
            'put the name in quotation marks: "é" = 1',
        ),
    ],
)
def test_broken_toml_shows_the_line_and_what_to_do(text: str, got: str, next_step: str) -> None:
    with pytest.raises(LoupeError) as caught:
        read_toml(text, "mine.toml")
    assert (caught.value.got, caught.value.next_step) == (got, next_step)


@pytest.mark.parametrize(
    ("text", "mended", "next_step"),
    [
        ("größe = 3", '"größe" = 3', 'put the name in quotation marks: "größe" = 3'),
        ('my name = "x"', '"my name" = "x"', 'put the name in quotation marks: "my name" = "x"'),
        (
            "[section name]\na = 1",
            '["section name"]\na = 1',
            'put the name in quotation marks: ["section name"]',
        ),
        ("[[größe]]", '[["größe"]]', 'put the name in quotation marks: [["größe"]]'),
        ("[data\na = 1", "[data]\na = 1", "close the heading with ]"),
        ("[[data]\na = 1", "[[data]]\na = 1", "close the heading with ]]"),
        ("a = [", "a = []", "close the list with ]"),
        ("a = [1,", "a = [1,]", "close the list with ]"),
        ("a = [1,,2]", "a = [1,2]", "write one comma"),
        ("a = [,1]", "a = [1]", "take away the comma before the first value"),
        ("a = NaN", "a = nan", "write nan in small letters"),
        ("a = -Inf", "a = -inf", "write -inf in small letters"),
        ("a = Infinity", "a = inf", "write inf in small letters"),
        ("my name = True", '"my name" = true', 'put the name in quotation marks: "my name"'),
        (
            "a = horizontal-flip, cutout",
            'a = ["horizontal-flip", "cutout"]',
            'if these are texts, make them a list: ["horizontal-flip", "cutout"]',
        ),
        ("a = cat, 3", 'a = ["cat", 3]', 'if these are texts, make them a list: ["cat", 3]'),
        ("a = 'x", "a = 'x'", "close the text with a quotation mark of the kind that opens it"),
        ('a = "x', 'a = "x"', "close the text with a quotation mark of the kind that opens it"),
        ("a = '''x", "a = '''x'''", "close the text with three quotation marks of the kind that opens it"),
        ("a b", "a = 1", "write = between the name and the value"),
    ],
)
def test_what_is_told_of_broken_toml_mends_it(text: str, mended: str, next_step: str) -> None:
    with pytest.raises(LoupeError) as caught:
        read_toml(text, "mine.toml")
    assert caught.value.next_step == next_step
    read_toml(mended, "mine.toml")
    told = next_step.partition(": ")[2]
    assert told in mended, "the line that is told is the line that can be read"


def test_a_long_line_is_shown_where_it_is_broken() -> None:
    with pytest.raises(LoupeError) as caught:
        read_toml(f"about = 'a' {'b' * 300}\x01", "mine.toml")
    assert len(str(caught.value.got)) < 170
    with pytest.raises(LoupeError, match="mend the line"):
        read_toml(f"a = {'1' * 5000}", "mine.toml")


@pytest.mark.parametrize(
    ("text", "next_step"),
    [
        ("a=[1 2]", "put a comma before 2, or close the list with ]"),
        ("a={name = sgd}", f'{QUOTE}"sgd"'),
        ('a="C:\\Users"', PATH),
        ("a=[2000-13-01]", "mend it: unclosed array"),
    ],
)
def test_a_broken_value_of_an_override_says_what_to_do(text: str, next_step: str) -> None:
    with pytest.raises(LoupeError) as caught:
        parse_override(text)
    assert caught.value.next_step == next_step


@given(st.text(alphabet="ab1=[]{},\"'\\\n\r:.#\x85 -T", max_size=30))
def test_no_text_breaks_the_explanation(text: str) -> None:
    with contextlib.suppress(LoupeError):
        read_toml(text, "mine.toml")


def test_every_field_is_described() -> None:
    for field, _, description in describe_fields():
        assert description, f"{field} says nothing of meaning, unit and range"
